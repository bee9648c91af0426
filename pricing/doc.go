// Package pricing names what an AI workload on AWS pays for, and what it costs.
//
// It turns the strings of a billing row (product code, usage type and a few
// columns beside them) into a component: a stable word such as runtime_vcpu or
// model_cache_read that estimates, budgets, statements and answers share. And it
// holds rates for components: dated, sourced, and refused where they are in doubt.
//
// # Terminology
//
// A usage type is the meter AWS prints on a row, such as
// "USE1-Runtime:Consumption-based:vCPU". Its billing prefix ("USE1") stands for
// the region that bills. A [Component] is the meter without region, model, tier
// or routing; a [Group] gathers the components of one service feature, as
// runtime gathers vCPU and memory. Infrastructure components name products that
// are not AI products but that a workload's owner pays for; the caller decides
// which, with [Infrastructure].
//
// A [Meter] is a component with all that makes two prices of it: model, tier,
// routing, context and variant. A [Rate] prices a meter in a region and a currency
// for an interval, in volume brackets. A [RateCard] holds rates. A rate has a
// [Status] and a source: what no bill, list or page supports is pending, what two
// sources state differently is conflicting, and neither is given out unless chosen.
//
// Quantities and prices are those of a single [Unit], a token and not a thousand;
// [ParseUnit] says what a printed unit such as "1K tokens" or "Units" counts.
//
// # Guarantees
//
// [Classify] is a pure function of its argument, never fails and never panics.
// What it does not recognise is [Unknown], a value to be kept, counted and
// reported. It is decided by grammar and not by a list of known strings, so a
// new model, tier or region does not need a release. Where two readings are
// possible the more specific one wins: a cache token is never an input token,
// and the memory of a code interpreter is not the memory service.
//
// Nothing is fallen back to. A rate that a card lacks, a unit that is not known,
// a price list in another currency or with a hole in its brackets is a
// [*RateError] that names component and place, and never a zero or a neighbour's
// price. Prices are decimals and costs exact; nothing here divides or rounds.
// Intervals are half-open and in UTC. Cards are immutable.
//
// # Non-guarantees
//
// The component says nothing about whether a row is in scope or who owns it, and
// it never changes an amount. A rate times a quantity is an estimate: what was
// billed is on the bill. The [DefaultCard] holds what public sources state for two
// regions and a few models. It is not the price list of AWS, of which the loaders
// read the three published forms: bulk files, GetProducts responses and the rate
// cards of AWS Marketplace offers.
//
// The package imports no other package of the module.
package pricing
