// Package pricing names what an AI workload on AWS pays for.
//
// It turns the strings of a billing row (product code, usage type and a few
// columns beside them) into a component: a stable word such as runtime_vcpu or
// model_cache_read that estimates, budgets, statements and answers share.
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
// # Guarantees
//
// [Classify] is a pure function of its argument, never fails and never panics.
// What it does not recognise is [Unknown], a value to be kept, counted and
// reported. It is decided by grammar and not by a list of known strings, so a
// new model, tier or region does not need a release. Where two readings are
// possible the more specific one wins: a cache token is never an input token,
// and the memory of a code interpreter is not the memory service.
//
// # Non-guarantees
//
// The component says nothing about whether a row is in scope or who owns it, and
// it never changes an amount. It does not identify a rate: batch and on-demand
// input tokens are one component at two prices.
//
// The package imports no other package of the module.
package pricing
