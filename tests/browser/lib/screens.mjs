// Every screen of the town: who looks at it, where it is, and what stands there because of the situation.

import { AGENCIES, TYPES } from "./town.mjs";
import { number } from "./texts.mjs";
import { CASE, WHY_PAUSED } from "./seed.mjs";

/** The screens. `picture: null` where too much of it is figures and months to be compared as a picture. What depends on ids is looked up first. */
export async function screens(town) {
  const { known } = town;
  const delivery = async (envelope, agency) => (await town.status(envelope)).deliveries.findLast((one) => one.agency === agency).id;
  const groups = (await town.call("operator", "GET", "/v1/dead-letters?groups=true")).groups;
  const group = groups.find((one) => one.agency === "qpost" && one.status === 400).group;
  const parked = await delivery(known.poisoned, "moph");
  const { moi, municipality, moph, qpost, mol, utilities, csb, moj } = AGENCIES;
  const { moved } = TYPES;
  return [
    { name: "sign-in", path: "/dashboard/sign-in", facts: (v) => [v.t("sign-in-about"), v.t("key")] },
    { name: "sign-in-over", path: "/dashboard/sign-in?over=1", facts: (v) => [v.t("session-over-detail")] },
    {
      name: "overview", path: "/dashboard", picture: "/dashboard?sort=agency", who: "operator",
      facts: (v) => [
        ...Object.values(AGENCIES).map((agency) => v.name(agency)), v.t("state-circuit-open"), v.t("state-window"), v.t("state-paused"), v.t("state-open"),
        WHY_PAUSED, v.t("why-parked", { n: 2 }), v.t("total-agencies", { n: 8 }),
      ],
    },
    { name: "overview-state", path: "/dashboard?state=circuit-open", who: "viewer", facts: (v) => [v.name(municipality), v.t("total-agencies", { n: 1 })], not: (v) => [v.name(moi)] },
    { name: "overview-agency", path: "/dashboard", who: "moph", facts: (v) => [v.name(moph)], not: (v) => [v.name(moi), v.t("nav-dead-letters")] },
    { name: "blocked", path: "/dashboard/blocked", who: "operator", facts: (v) => [v.name(moph), v.name(moved), v.t("class-message-fault"), "422", v.t("blocked-total", { n: 2 }), v.t("act-release")] },
    { name: "dead-letters", path: "/dashboard/dead-letters", who: "operator", facts: (v) => [v.name(qpost), v.name(moph), v.t("dead-about"), v.t("act-redrive")] },
    { name: "dead-letters-group", path: `/dashboard/dead-letters?agency=qpost&group=${group}`, who: "operator", facts: (v) => [v.t("dead-redrive-all"), v.name(moved), "400"] },
    { name: "redrives", path: "/dashboard/redrives", who: "auditor", facts: (v) => [v.name(qpost), v.t("job-done"), "The post has corrected its register"] },
    { name: "redrive", path: `/dashboard/redrives/${known.job}`, who: "operator", facts: (v) => [v.t("redrive-of", { what: v.name(qpost) }), v.t("job-done"), "Noora Al-Kuwari"] },
    { name: "redrive-new", path: "/dashboard/redrives/new?agency=qpost", who: "operator", facts: (v) => [v.t("redrive-title", { what: v.name(qpost) }), number(v.lang, 15), v.t("redrive-would", { n: 15 }), v.t("redrive-about")] },
    { name: "schedule", path: "/dashboard/schedule", who: "operator", facts: (v) => [v.name(municipality), v.name(mol), v.t("is-in-flight"), v.t("schedule-due")] },
    { name: "find", path: "/dashboard/find", who: "operator", facts: (v) => [v.name(moved), v.t("find-about"), v.t("whole-open")] },
    { name: "find-filtered", path: "/dashboard/find?agency=qpost&standing=dead", who: "auditor", facts: (v) => [v.name(moved), v.t("whole-open")] },
    { name: "find-nothing", path: "/dashboard/find?nothing=1", who: "viewer", facts: (v) => [v.t("find-nothing")] },
    {
      name: "envelope", path: `/dashboard/envelopes/${known.poisoned}`, who: "operator",
      facts: (v) => [
        v.name(moved), CASE, v.t("is-parked"), v.t("is-delivered"), v.t("way-agencies", { n: 8 }), v.t("class-message-fault"), v.t("branch-behind", { n: 2 }), v.t("why-unfetched"),
        ...Object.values(AGENCIES).map((agency) => v.name(agency)), WHY_PAUSED, "***03",
      ],
      not: () => ["28400000003", "zone 66 is not in the register"],
    },
    { name: "envelope-own", path: `/dashboard/envelopes/${known.poisoned}`, who: "moph", facts: (v) => [v.name(moph), "zone 66 is not in the register"], not: (v) => [v.name(moi)] },
    { name: "payload-ask", path: `/dashboard/envelopes/${known.poisoned}/payload`, who: "admin", facts: (v) => [v.t("payload-title"), v.t("payload-about-whole")] },
    { name: "agency-pause", path: "/dashboard/agencies/moi/pause", who: "operator", facts: (v) => [v.t("pause-title", { what: v.name(moi) }), v.t("pause-about")] },
    { name: "agency-drain", path: "/dashboard/agencies/moi/drain", who: "operator", facts: (v) => [v.t("drain-title", { what: v.name(moi) }), v.t("drain-about")] },
    { name: "agency-resume", path: "/dashboard/agencies/csb/resume", who: "operator", facts: (v) => [v.t("resume-title", { what: v.name(csb) }), v.t("operate-waiting", { n: 42 })] },
    ...["retry", "skip", "cancel", "release"].map((act) => ({
      name: `delivery-${act}`, path: `/dashboard/deliveries/${parked}/${act}`, who: "operator",
      facts: (v) => [v.t(`delivery-${act}-title`), v.t(`delivery-${act}-about`), v.name(moph), v.name(moved)],
    })),
    { name: "agency", picture: null, path: "/dashboard/agencies/municipality", who: "operator", facts: (v) => [v.name(municipality), v.t("state-circuit-open"), v.t("past-title"), v.t("events-title"), v.t("reach-title"), v.t("wishes-title"), v.name(moved), "Law No. 21 of 2015"] },
    { name: "agency-own", path: "/dashboard/agencies/moph", who: "moph", facts: (v) => [v.name(moph), v.t("wishes-title"), v.name(moved)] },
    { name: "services", picture: null, path: "/dashboard/services", who: "auditor", facts: (v) => [v.t("services-title"), v.name(moved), v.name(TYPES.born)] },
    { name: "service", picture: null, path: `/dashboard/services/${moved.id}`, who: "viewer", facts: (v) => [v.name(moved), v.t("service-year-title"), v.t("service-schema")] },
    { name: "trial", path: `/dashboard/services/${TYPES.born.id}/trial`, who: "portal", facts: (v) => [v.name(TYPES.born), v.t("trial-about")] },
    { name: "system", picture: null, path: "/dashboard/system", who: "operator", facts: (v) => [v.t("system-ledger"), v.t("system-accepting"), v.t("system-in-force"), v.t("system-config")] },
    { name: "audit", path: "/dashboard/audit", who: "auditor", facts: (v) => [v.t("audit-title"), "Noora Al-Kuwari", "The post has corrected its register", WHY_PAUSED] },
    { name: "audit-action", path: "/dashboard/audit?action=pause", who: "admin", facts: (v) => [v.t("audit-title"), WHY_PAUSED] },
    { name: "problem", path: "/dashboard/there-is-no-such-page", who: "viewer", status: 404, facts: (v) => [v.t("to-overview")] },
    { name: "not-allowed", path: "/dashboard/agencies/moi/pause", who: "viewer", status: 403, facts: (v) => [v.t("to-overview")] },
  ];
}
