// Command samplemonths makes the sample months: April 2026 and two deliveries of May 2026
// of an invented organisation, small enough to be embedded, whose figures are round.
//
//	go run ./internal/curtest/samplemonths -out examples/quickstart/months
//
// It writes the same bytes each time, over what is there, and removes nothing.
//
// # How a figure comes out exactly
//
// A workload's money for one component group in one month is a target. Its SKUs get
// shares of the target; all but two quantities follow from the shares, and the last two
// are searched for so that quantity × rate adds up to the target to the last digit.
// Quantities are whole units of what is counted (events, retrievals, vCPU-hours,
// GB-hours, thousands of tokens). Spreading a whole quantity over days by weights then
// cannot change the sum.
//
// # Deliveries
//
// The first delivery of May ends with the 23rd; targets of May are those of its days.
// The second repeats its rows, with the amounts of some rows changed (Restatements),
// and adds the 24th and 25th, which continue each line at its pace.
//
// # The shared role
//
// finops-shared-svc calls models for Document Platform and for Returns Triage Agent;
// only session names tell the two apart. It is claimed for Document Platform. The table
// is what the claims deliver: all money of the role stands under Document Platform, so
// Returns Triage Agent's model figure is that of its own execution role alone.
//
// # Not guaranteed
//
// Everything here is synthetic. Rates of AgentCore, Claude and Nova Pro are published for
// the region or printed for it by those billed. Nova Lite's follow Tokyo's card by its
// ratio, gpt-oss-120b's were not checked, and the unit of stored memory records and the
// usage type of Claude's global input are composed, since no source prints them.
package main
