// Package estimate turns money into component volumes and back, and holds what
// was used against what was expected.
//
// An AI agent is not estimated in tokens alone: its memory is billed by event and
// retrieval, its sandboxes by vCPU-hour and GB-hour, its gateway by call, and the
// models underneath by four kinds of token. People know either such volumes, or
// the traffic behind them (sessions a day, minutes, cache share), or a sum of
// money. The package goes from each of these to the others.
//
// # Terminology
//
// A Volume is a quantity of one item over a period; an Estimate is volumes with
// the rates of one day. A Pricer does both directions: Price from volumes to
// money, and ByShares, ByRatio and ByFree from a budget to the volumes it buys.
// Sessions, Interactions and Conversations work volumes out from traffic. A
// Timeline keeps the versions of an Estimate or Budget, of which one is in force
// on a day. Track holds plain rows against a Plan; Explain says why a cost
// differs; NewForecast continues a daily series. A Calendar cuts weeks and months
// and a Freshness says which days are complete.
//
// # Guarantees
//
// Money and usage are exact decimals. Where a quotient has no finite decimal form
// it is rounded once, half away from zero, to a scale that the result's comment
// states; comparisons, verdicts and dates are taken before rounding. Solved
// volumes never cost more than their budget, and pricing them again gives the same
// cost. The terms of a variance sum to the difference, and the months of a budget
// to its annual figure, to the last digit.
//
// "Reached" means at least, everywhere; see [Reached].
//
// Only complete days are judged. What cannot be known (the percentage of no
// estimate, the run rate of no days) is null and not zero.
//
// Every figure has one stated [Basis] and one currency. Figures of two are never
// added or compared but refused, as are rows in another unit than the estimate's.
// A rate that is missing or not validated is an error of package pricing, passed
// on; no price is ever assumed.
//
// # Non-guarantees
//
// An estimate is list or agreed prices times volumes; the bill is what AWS says it
// is. Projections are straight lines, and a forecast knows weekdays but neither
// growth nor plans. Who may confirm an estimate is decided elsewhere.
//
// Nothing here keeps state; all functions may be called from many goroutines.
package estimate
