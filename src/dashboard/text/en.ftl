### What the dashboard says, in English. Each section belongs to one screen; `ar.ftl` has the same keys.

## Everywhere

name = Falaj
skip = Skip to the content
nav = Places
nav-overview = Overview
other-language = العربية
other-language-tag = ar
theme = Appearance
theme-auto = As the device
theme-light = Light
theme-dark = Dark
sign-out = Sign out
close = Close
to-overview = To the overview
leave-it = Leave it as it is
filter = Filter
filter-off = Remove this filter
filter-empty = Nothing matches the filter.
filter-all = Show all
rows-left-out =
    { $n ->
        [one] One more row is not shown. Filter to find it.
       *[other] { $n } more rows are not shown. Filter to find them.
    }
or-more = { $n } or more
reason = Reason
reason-about = It is recorded with your name.
made-at = As of
moved = The order has changed.
moved-again = Sort again
lost = The connection is lost; what you see may be old. It is tried again.
keys = Shortcuts
keys-filter = To the filter
keys-rows = Next row, row before
keys-again = Reload
keys-language = Other language
keys-close = Close a menu or this list
keys-these = These shortcuts
keys-on = Use single keys
role-agency = Agency
role-viewer = Viewer
role-operator = Operator
role-auditor = Auditor
role-admin = Administrator
role-none = Not signed in

## Lengths of time, and times

span-moment = < 1 min
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n } d
span-minutes-within = { $n } min
span-hours-within = { $n } h
span-days-within = { $n } d
span-two = { $first } { $second }
span-seconds = { $n } s
span-milliseconds = { $n } ms
time-full = { $day } { $month } { $year }, { $time } UTC
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
month-of-year = { $month } { $year }

## Signing in

sign-in = Sign in
sign-in-about = Sign in with your key. Whoever runs this bus gives you one.
sign-in-out = You are signed out.
sign-in-wrong = This key opens nothing here. It may have been revoked.
sign-in-out-here = You are signed out here. Your organisation may still know you: close the browser if others use this machine.
sign-in-provider = Sign in with your work account
sign-in-anew = Sign in as somebody else
sign-in-or-key = Or sign in with a key. Whoever runs this bus gives you one.
leave = Go on
leave-in-title = To your organisation's sign-in page
leave-in-detail = You are being led there. If nothing happens, go on by yourself.
leave-out-title = You are signed out of Falaj
leave-out-detail = You are being led to your organisation's sign-in page, so that it signs you out too. It may ask whether you mean it.
trouble-denied-title = You were not signed in
trouble-denied-detail = Your organisation's sign-in page did not let you through, or you cancelled. Try again, or ask whoever runs it.
trouble-no-role-title = You have no role here
trouble-no-role-detail = Your organisation knows you, but none of your groups may use this dashboard. Ask whoever runs this bus to give your group a role, or sign in as somebody else.
trouble-lost-title = This sign-in could not be completed
trouble-lost-detail = It was begun too long ago, in another browser, or at another address. Begin again from here.
trouble-down-title = Your organisation's sign-in page cannot be reached
trouble-down-detail = It does not answer, or not as it should. Try again later, or sign in with a key.
trouble-wrong-title = Your organisation's sign-in page cannot be used
trouble-wrong-detail = Its answer could not be verified, or it is not set up for this bus. Whoever runs this bus finds the reason in its log. You can sign in with a key.
trouble-busy-title = Many people are signing in at this moment
trouble-busy-detail = Try again in a moment.
trouble-wait-title = Too many attempts failed
trouble-wait-detail = Try again in a few minutes.
sign-in-wait = Too many attempts failed. Try again in { $what }.
key = Key
session-over = Your session is over
session-over-detail = Your session is over. Sign in again to go on.

## States of agencies

glance = Agencies by state
state-open = running
state-paused = paused
state-draining = draining
state-drained = drained
state-circuit-open = not answering
state-misconfigured = configuration fault
state-throttled = asked for quiet
state-window = outside hours
state-no-transport = no transport
state-unconfigured = not configured
why-paused = Paused { $age } ago by { $by }: { $reason }
why-draining = { $n ->
    [0] Drained by { $by }: { $reason }
    [one] One more goes out; what came later waits. Drained by { $by }: { $reason }
   *[other] { $n } more go out; what came later waits. Drained by { $by }: { $reason }
}
why-circuit-open = No answer for { $age }; the next probe is in { $left }.
why-misconfigured = { $fault }. The next probe is in { $left }.
why-throttled = It takes nothing for another { $what }.
why-window = It opens again in { $what }.
why-unconfigured = It left the deployment; what waits is kept.
why-no-transport = This bus does not serve its transport.
why-unconnected = No way to it for { $age }: { $fault }. It goes on by itself once there is one.
why-fetch =
    { $n ->
        [one] It comes for deliveries itself; one waits to be fetched.
       *[other] It comes for deliveries itself; { $n } wait to be fetched.
    }
why-retry =
    { $n ->
        [one] One delivery failed and is tried again.
       *[other] { $n } deliveries failed and are tried again.
    }
why-parked =
    { $n ->
        [one] One subject waits for an operator.
       *[other] { $n } subjects wait for an operator.
    }

## Overview

overview-title = What agencies have not yet done
overview-filter = Name or id of an agency
overview-empty = No agency receives anything yet. Agencies appear here as soon as their connectors are in the deployment.
col-agency = Agency
col-state = State
col-oldest = Oldest
col-ready = Ready
col-in-flight = In flight
col-retry = Retrying
col-behind = Behind
col-parked = Parked
col-dead = Dead
col-actions = Actions
col-came = In a minute
col-went = Out a minute
col-success = Success
col-p95 = 95% within
overview-spark =
    { $n ->
        [one] One delivered in the last hour
       *[other] { $n } delivered in the last hour
    }
total-agencies =
    { $n ->
        [one] One agency
       *[other] { $n } agencies
    }

## Pausing and resuming an agency

pause-title = Pause deliveries to { $what }?
pause-about = Nothing more will be sent to this agency until somebody resumes it. Nothing is lost: what is accepted for it waits in order, and waiting does not count towards giving up. What is being sent now is finished.
pause-do = Pause
drain-title = Drain { $what }?
drain-about = What was accepted for this agency until now is still sent. What is accepted from now on waits, in order and unharmed, until somebody resumes it. Use it before the agency moves or changes its interface.
drain-do = Drain
resume-title = Resume deliveries to { $what }?
resume-about = What waits is sent in order, as fast as the agency takes it.
resume-do = Resume
operate-waiting =
    { $n ->
        [0] Nothing waits for it now.
        [one] One delivery waits for it now.
       *[other] { $n } deliveries wait for it now.
    }

## Words for filters and lists

all-agencies = All agencies
all-types = All types
all-states = Any
all-errors = Any
col-type = Type
col-sender = Sender
col-recipient = Recipient
col-whole = As a whole
col-standing = A delivery is
col-error = Error
col-attempts = Attempts
col-accepted = Accepted
col-since = Since
col-begun = Begun
col-by = By
col-lane = Lane
col-head = Held up by
from = Accepted from
to = Until
choose = Choose
next-page = Next page
back = Back
copy = Copy
copied = Copied

## Where deliveries stand

is-queued = waiting
is-in-flight = in flight
is-leased = fetched
is-retry = retrying
is-behind = behind
is-parked = parked
is-delivered = delivered
is-dead = dead
is-expired = expired
is-skipped = skipped
is-cancelled = cancelled
whole-open = open
whole-completed = completed
whole-failures = with failures
outcome-applied = applied
outcome-refused = refused
outcome-needs-action = needs action
outcome-pending = outcome to follow
outcome-unknown = never reported
class-done = done
class-message-fault = message refused
class-configuration-fault = set up wrongly
class-gone = receiver is gone
class-throttle = asked for quiet
class-endpoint-fault = no proper answer
class-retry-asked = asked to try again
class-none = no error recorded

## Why it is not delivered

why-queued = It waits for its turn.
why-unfetched = The agency comes for its deliveries itself and has not come for this one yet.
why-in-flight = It is being sent now.
why-leased = The agency has fetched it and may work on it until { $at }.
why-again = The last attempt failed: { $fault }. It is tried again at { $at }.
why-behind = It keeps its order behind an earlier delivery about the same subject that is not finished.
why-behind-whom = Show that one
why-parked-one =
    { $n ->
        [one] The one attempt failed. It has waited for an operator since { $at }.
       *[other] All { $n } attempts failed. It has waited for an operator since { $at }.
    }
why-drained = The agency was drained by { $by } at { $at }, before this was accepted: { $reason }
why-held = Deliveries to the agency were paused by { $by } at { $at }: { $reason }
why-cut-off = There has been no way to the agency since { $since }: { $fault }. It goes on by itself once there is one.
why-silent = The agency has not answered since { $since }; it is asked again at { $at }.
why-asked-for-quiet = The agency asked not to be called before { $at }.
why-closed = The agency is outside its service hours, which begin again at { $at }.
why-delivered = Delivered at { $at }.
why-refused = Delivered at { $at }; the agency will not act on it.
why-needs-action = Delivered at { $at }; a person there must do something first.
why-pending = Delivered at { $at }; the agency will report what became of it.
why-unknown = Delivered at { $at }; the agency never reported what became of it.
why-dead = Given up at { $at } by { $by }: { $reason }
why-expired = It expired at { $at } before the agency had it.
why-skipped = Passed over at { $at } by { $by }: { $reason }
why-cancelled = Withdrawn at { $at } by { $by }: { $reason }

## Dead letters

nav-dead-letters = Dead letters
dead-title = What was given up, or waits for somebody
dead-about = Grouped by what the errors have in common. Open a group to see each one.
dead-empty = Nothing was given up and nothing is parked.
dead-group = One kind of error
dead-overtaken = A later one of its subject was delivered since.
dead-choose-agency = Choose an agency to redrive what is listed.
dead-redrive-all = Redrive all that match
dead-redrive-chosen = Redrive the chosen ones
act-redrive = Redrive

## Redrives

nav-redrives = Redrives
redrives-empty = Nothing was redriven yet. A redrive begins with
redrive = Redrive
replay = Replay
redrive-of = Redrive for { $what }
replay-of = Replay for { $what }
redrive-title = Redrive to { $what }?
redrive-of-type = Of the type { $what }.
redrive-would =
    { $n ->
        [one] delivery would be tried again.
       *[other] deliveries would be tried again.
    }
redrive-about = What is dead gets a new try under its old webhook-id, so that a receiver that had it after all drops it; what is parked is tried again at once. What is older goes before what waits. Nothing has been done yet.
redrive-held = Held back
held-overtaken = A later delivery about the same subject was delivered since: this one would overwrite newer data.
held-in-flight = It is being sent, or the agency has fetched it.
held-already-redriven = A newer try of it exists.
held-not-dead = It is neither dead nor parked.
held-slots-exhausted = Its envelope was delivered again as often as it can be.
held-more =
    { $n ->
        [one] And one more.
       *[other] And { $n } more.
    }
redrive-rate = At most so many a second
redrive-rate-about = Leave it empty to go as fast as the agency takes them.
redrive-force = Also those held back because something newer was delivered since. They will overwrite it.
redrive-do = Start
redrive-eligible = To do
redrive-made = Begun
redrive-under-way = Under way
redrive-done = Delivered
redrive-failed = Failed
redrive-through = Done with
redrive-results = What became of them
redrive-results-empty = Nothing was begun yet, or only parked ones were tried again in their place.
job-running = running
job-paused = paused
job-done = done
job-cancelled = cancelled
job-do-pause = Pause
job-do-resume = Go on
job-do-cancel = Cancel
job-pause-title = Pause the redrive for { $what }?
job-pause-about = No further deliveries are begun until somebody lets it go on. What was begun goes its way.
job-resume-title = Let the redrive for { $what } go on?
job-resume-about = It goes on where it stood.
job-cancel-title = Cancel the redrive for { $what }?
job-cancel-about = No further deliveries are begun. What was begun goes its way and stays. It cannot be taken up again.

## What is done to one delivery

act-retry = Retry
act-skip = Skip
act-cancel = Cancel
act-release = Release
delivery-retry-title = Try this delivery again now?
delivery-retry-about = It is due at once, and its attempts are counted anew.
delivery-skip-title = Skip this delivery?
delivery-skip-about = The agency will never get it, and is told of the gap with the next one. What waits behind it goes on. It cannot be undone.
delivery-cancel-title = Cancel this delivery?
delivery-cancel-about = It is withdrawn; the agency is told nothing. What waits behind it goes on. It cannot be undone.
delivery-release-title = Release what waits behind this delivery?
delivery-release-about = It becomes a dead letter that can be redriven later; the agency is told of the gap. What waits behind it goes on, so that newer data may get there first.
delivery-not-now = This cannot be done where the delivery stands now.

## Blocked subjects

nav-blocked = Blocked
blocked-title = Subjects that wait for somebody
blocked-about = Each lane is one subject's deliveries to one agency, in order. Its first one is out of attempts and holds up those behind it. Lanes are named by a code; nobody can tell the subject from it.
blocked-empty = No lane is blocked.
blocked-total =
    { $n ->
        [one] One lane in all.
       *[other] { $n } lanes in all.
    }
blocked-unordered = without order
blocked-retry-all = Retry all of this agency

## In flight and schedule

nav-schedule = Schedule
schedule-title = What runs now, and what is due
schedule-due = Retries due in the next 24 hours
schedule-none = No retry is due.
schedule-all = All agencies
schedule-chart =
    { $n ->
        [one] One retry due in the next 24 hours, by the hour
       *[other] { $n } retries due in the next 24 hours, by the hour
    }
schedule-day-chart = By the hour
schedule-now = now
schedule-one = 1 h
schedule-hours = 24 h
schedule-due-now = Due now
schedule-hour = Within an hour
schedule-day = Within 24 hours
schedule-later = Later
schedule-more = and more than were counted
schedule-running =
    { $n ->
        [0] Nothing is under way
        [one] One delivery is under way
       *[other] { $n } deliveries are under way
    }
schedule-running-label = Deliveries under way
schedule-running-none = At this moment nothing is being sent.
schedule-lease-until = until

## One envelope

way-accepted = Accepted
way-from = from { $what }
way-checked = Checked against
way-routed = Led to
way-agencies =
    { $n ->
        [0] no agency
        [one] one agency
       *[other] { $n } agencies
    }
fact-id = Envelope
fact-source = Source
fact-event-id = Its id there
fact-subject = Subject
fact-correlation = Correlation
fact-time = Happened
fact-bytes = Bytes of data
envelope-nobody = Nobody subscribes to it; it was completed at once.
branch-behind =
    { $n ->
        [one] One delivery waits behind it.
       *[other] { $n } deliveries wait behind it.
    }
branch-reason = Reason
branch-reference = Reference
branch-redriven = Redriven
branch-disclosed = What was disclosed, and on which basis
branch-purpose = Purpose
branch-basis = Legal basis
branch-fields = Fields
branch-delivery = Delivery
attempt-free = (does not count)
curl-status = Ask for its status from a shell
curl-delivery = The call to the agency, without its secret
payload-show = Show the payload
payload-hide = Hide it again
payload-title = Show this payload?
payload-title-shown = Payload
payload-about-whole = It holds personal data. That you looked, and why, is recorded before it is shown.
payload-about-own = You will see what your agency receives of it. That you looked, and why, is recorded.
payload-recorded = That you looked at this was recorded.
payload-extent = Extent
payload-whole = as it was sent
payload-own = what your agency receives
payload-cut = The rest is not shown.
payload-answers = What agencies answered

## Finding

nav-find = Find
find-title = Find an envelope
find-box = Envelope, delivery, correlation id, subject, or source and id
find-about = Any name of it will do. What you type is not kept, and no address holds it.
find-nothing = Nothing that you may see has this name.
find-marked = By the name you typed
find-notices = Also what the bus itself tells
find-empty = No envelope matches.
find-all =
    { $n ->
        [one] One envelope
       *[other] { $n } envelopes
    }
find-some =
    { $n ->
        [one] One envelope on this page, the newest first; there may be more.
       *[other] { $n } envelopes on this page, the newest first; there may be more.
    }
find-further = None among those that were looked at; there are older ones.
find-more = Only some thousand envelopes are looked at for one page.

## One agency

range-hour = Hour
range-day = Day
range-week = Week
agency-waiting = Waiting
agency-sends-only = It only sends; nothing is delivered to it.
outlook-nothing = Nothing waits.
outlook-held = Nothing is sent to it at present, so nobody can say when what waits will be through.
outlook-still = Nothing left the queue in the last quarter of an hour: there is no pace to go by.
outlook-unknown = It has not been watched for long enough to say when what waits will be through.
outlook-about = At the pace of the last quarter of an hour, what waits now will be through in about { $about }, most likely between { $low } and { $high }.
outlook-vague = At the pace of the last quarter of an hour, what waits now will be through in about { $about }; at the soonest in { $low }, and perhaps much later: the pace varies too much to say.
past-title = What happened
past-empty = Nothing was watched in this time.
past-rate = Deliveries a minute
past-rate-hour = Deliveries a minute over the last hour: at most { $came } came and at most { $delivered } were delivered.
past-rate-day = Deliveries a minute over the last day: at most { $came } came and at most { $delivered } were delivered.
past-rate-week = Deliveries a minute over the last week: at most { $came } came and at most { $delivered } were delivered.
past-durations = From acceptance to delivered
past-durations-hour = Time from acceptance to delivered over the last hour: at most { $half } for half of them, { $most } for 95 of 100.
past-durations-day = Time from acceptance to delivered over the last day: at most { $half } for half of them, { $most } for 95 of 100.
past-durations-week = Time from acceptance to delivered over the last week: at most { $half } for half of them, { $most } for 95 of 100.
past-faults = Failed attempts
past-faults-hour =
    { $n ->
        [0] No attempt failed in the last hour.
        [one] One attempt failed in the last hour.
       *[other] { $n } attempts failed in the last hour, by kind.
    }
past-faults-day =
    { $n ->
        [0] No attempt failed in the last day.
        [one] One attempt failed in the last day.
       *[other] { $n } attempts failed in the last day, by kind.
    }
past-faults-week =
    { $n ->
        [0] No attempt failed in the last week.
        [one] One attempt failed in the last week.
       *[other] { $n } attempts failed in the last week, by kind.
    }
past-queue = Queue
past-queue-hour = Deliveries that waited in the last hour: { $n } at the most.
past-queue-day = Deliveries that waited in the last day: { $n } at the most.
past-queue-week = Deliveries that waited in the last week: { $n } at the most.
past-sent = Envelopes it sent
past-came = Came
past-delivered = Delivered
past-otherwise = Ended otherwise
past-waiting = Waiting
past-success = Attempts that went well
past-took = 95 of 100 delivered within
past-attempt-took = 95 of 100 attempts within
past-open = Not answering
past-p50 = Half within
past-p95 = 95% within
past-p99 = 99% within
past-cut = circuit open
past-gap = not watched
past-table = The figures as a table
past-from = From
past-idle = Stretches in which nothing happened are left out.
backlog-title = What waits, by type
backlog-more = There is more than was counted.
events-title = Circuit and orders
events-none = Its circuit has not opened, and nobody has paused or drained it.
event-opened = The circuit opened: { $fault }. First probe at { $at }.
event-closed = A probe came through: the circuit closed.
event-gone = Its receiver is gone; Falaj paused it.
event-paused = Paused by { $by }: { $reason }
event-draining = Drained by { $by }: { $reason }
event-drained = The drain is through: nothing is left of it.
event-resumed = Resumed by { $by }: { $reason }
last-title = Last attempts
last-none = Nothing was tried since the bus was started.
last-about = Since the bus was started, the newest first.
reach-title = How it is reached
reach-transport = Transport
transport-webhook = Falaj posts to it
transport-pull = It fetches
transport-amqp = Its queue on the broker
reach-url = Address
reach-timeout = Time for an answer
reach-in-flight = At once, at most
reach-rate = Rate
reach-rate-value = { $pace } a second, { $burst } at once
reach-no-rate = as fast as it takes them
reach-lease = Time to work on what it fetched
reach-age = Tried for, at most
reach-window = Service hours
reach-always = always
reach-holidays = closed on
day-sun = Sunday
day-mon = Monday
day-tue = Tuesday
day-wed = Wednesday
day-thu = Thursday
day-fri = Friday
day-sat = Saturday
list-and = ,{" "}
wishes-title = What it receives, and on which basis
wish-everything = everything
wish-ordered = in order for each subject
wish-unordered = in no order
wish-filter = filtered by
form-structured = one CloudEvent
form-binary = data with attributes as headers
form-map = in its own fields
form-template = by its own template
subject-clear = subject in clear
subject-pseudonym = subject as a pseudonym
subject-omit = without the subject
exhausted-park = waits for an operator when attempts are used up
exhausted-dead = is given up when attempts are used up
publishes-title = What it may send
trial-do = Try it
trial-title = Try the service with its sample: { $what }
trial-about = First you see what would happen: who would receive the sample, and which fields of it. Nothing is stored and nobody is told.
trial-from = from
trial-nobody = Nobody would receive it.
trial-would =
    { $n ->
        [one] One agency would receive it.
       *[other] { $n } agencies would receive it.
    }
trial-withheld = Withheld:
trial-others = Who subscribes and would not receive it
trial-real = Sending is real: the sample goes to every agency listed, as an envelope of yours with a new id. There is no taking it back.
trial-send = Send the sample
trial-only = Your key may try it and not send it.

## Services

nav-services = Services
services-title = Services
services-month = Month
services-show = Show
services-goes-on = goes on
services-csv = As CSV
services-open-csv = Open data, CSV
services-open-json = Open data, JSON
services-transactions = Transactions
services-change = Change
services-success = Success
services-time = Mean time
services-level = Level
services-level-n = Level { $n }
services-no-level = no level
services-levels = By level of maturity
services-services = Services
services-rank = Rank
services-service = Service
services-owner = Owner
services-new = new
services-rose =
    { $n ->
        [one] one place up
       *[other] { $n } places up
    }
services-fell =
    { $n ->
        [one] one place down
       *[other] { $n } places down
    }
services-days =
    { $n ->
        [one] One transaction in the month, by the day
       *[other] { $n } transactions in the month, by the day
    }
services-empty = The deployment describes no services.
services-about = A transaction is an envelope that was completed in the month. Success: every agency did its part. Mean time: from acceptance to completion, of the successful ones. Months are compared once they are over.
service-all = All services
service-other-name = In Arabic
service-subject-required = must be given
service-subject-optional = may be given
service-recipients =
    { $n ->
        [0] No agency receives it
        [one] One agency receives it
       *[other] { $n } agencies receive it
    }
service-schema = Schema
service-schema-show = Show the schema
service-sample = Show a sample envelope
service-year-title = The last twelve months
service-year =
    { $n ->
        [one] One transaction in twelve months, by the month
       *[other] { $n } transactions in twelve months, by the month
    }

## The audit

nav-audit = Audit
audit-title = Who did what, and why
audit-about = Everything that people did to the bus or looked at in it, with the reason they gave. Nothing here can be changed.
audit-empty = Nobody has done anything yet.
audit-further = None among those that were looked at; there are older ones.
audit-more = Some thousand entries are looked at for one page.
audit-when = When
audit-since = Done from
audit-did = What
audit-anything = Anything
audit-target = On what
audit-only = only this
audit-change = Before and after
audit-from-to = { $before } → { $after }
audit-made =
    { $n ->
        [0] nothing to { $what }
        [one] one delivery to { $what }
       *[other] { $n } deliveries to { $what }
    }
audit-whole = the whole payload
audit-own = the part the agency receives
audit-sent = sent
did-pause = paused
did-drain = drained
did-resume = resumed
did-retry = retried
did-skip = skipped
did-cancel = cancelled
did-release = released
did-redrive = redrove
did-replay = replayed
did-redrive-pause = paused a redrive
did-redrive-resume = let a redrive go on
did-redrive-cancel = cancelled a redrive
did-payload = looked at a payload
did-test-envelope = sent a test envelope

## The system

nav-system = System
system-ledger = Ledger
system-accepting = accepts envelopes
system-disk-low = refuses: too little disk is free
system-poisoned = refuses: a commit failed
system-closed = refuses: the ledger is closed
system-free = Free on its disk
system-floor = Refuses below
system-store = The ledger takes
system-wal = Of it not yet folded in
system-queue = Waiting for the writer
system-of = of { $n }
system-commits = Commits with their sync, last ten minutes
system-no-commits = Nothing was committed in the last ten minutes.
system-longest = The longest
system-commit-count = Commits
system-shared = Operations in one
system-deployment = Deployment
system-in-force = in force
system-refused = a changed one was refused
system-problems =
    { $n ->
        [one] A changed deployment was refused for one problem; the old one is in force and all goes on.
       *[other] A changed deployment was refused for { $n } problems; the old one is in force and all goes on.
    }
system-problems-title = Why the changed deployment was refused
system-problems-more =
    { $n ->
        [one] One more problem is not shown.
       *[other] { $n } more problems are not shown.
    }
system-revision = Revision
system-since = In force since
system-agencies = Agencies
system-types = Types
system-broker = RabbitMQ
system-no-broker = No broker is configured; agencies that speak AMQP wait.
broker-publish = To the agencies' queues
broker-consume = From the agencies
link-connecting = connecting
link-connected = connected
link-blocked = takes no more messages
link-refused = refuses the user
link-unreachable = not reachable
link-tls = encryption fails
link-mismatched = a queue differs
link-missing = a queue is missing
link-closed = closed
system-program = Program
system-version = Version
system-engine = Store
system-machine = Machine
system-began = Running since
system-memory = Memory
system-files = Open files
system-sessions = People signed in
system-all-time = Deliveries since the ledger began
system-unfinished = Not finished
system-config = Settings in force
system-config-about = Secrets and passwords are never shown. Marked are those that differ from the default.
system-changed = changed
bytes-b = { $n } B
bytes-kib = { $n } KiB
bytes-mib = { $n } MiB
bytes-gib = { $n } GiB
bytes-tib = { $n } TiB
