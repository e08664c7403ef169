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
keys-these = These shortcuts
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

## Signing in

sign-in = Sign in
sign-in-about = Sign in with your key. Whoever runs this bus gives you one.
sign-in-out = You are signed out.
sign-in-wrong = This key opens nothing here. It may have been revoked.
sign-in-wait = Too many attempts failed. Try again in { $what }.
key = Key
session-over = Your session is over
session-over-detail = Your session is over. Sign in again to go on.

## States of agencies

glance = Agencies by state
state-open = running
state-paused = paused
state-circuit-open = not answering
state-throttled = asked for quiet
state-window = outside hours
state-no-transport = no transport
state-unconfigured = not configured
why-paused = Paused { $age } ago by { $by }: { $reason }
why-circuit-open = No answer for { $age }; the next probe is in { $left }.
why-throttled = It takes nothing for another { $what }.
why-window = It opens again in { $what }.
why-unconfigured = It left the deployment; what waits is kept.
why-no-transport = This bus does not serve its transport.
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
total-agencies =
    { $n ->
        [one] One agency
       *[other] { $n } agencies
    }

## Pausing and resuming an agency

pause-title = Pause deliveries to { $what }?
pause-about = Nothing more will be sent to this agency until somebody resumes it. Nothing is lost: what is accepted for it waits in order, and waiting does not count towards giving up. What is being sent now is finished.
pause-do = Pause
resume-title = Resume deliveries to { $what }?
resume-about = What waits is sent in order, as fast as the agency takes it.
resume-do = Resume
operate-waiting =
    { $n ->
        [0] Nothing waits for it now.
        [one] One delivery waits for it now.
       *[other] { $n } deliveries wait for it now.
    }
