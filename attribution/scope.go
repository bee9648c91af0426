package attribution

import (
	"slices"

	"github.com/spendclaim/spendclaim/cur"
)

// Product is a kind of AI spend: rows that pass Where, and the chain that finds
// their owner.
type Product struct {
	Name  string
	Where cur.Where
	// Chain names a chain of the rules; "" means that nobody can own the rows.
	Chain string
}

// Scope is what counts: as data, for products come and go. Where a row passes
// several products, the first has it.
type Scope struct {
	// AI are the products whose usage somebody has to own; nil means those of
	// DefaultScope.
	AI []Product
	// Infrastructure lists product codes, such as AWSLambda, that count only
	// where a claim takes hold of them. They are never unclaimed.
	Infrastructure []string
}

// The chains that products can name.
const (
	ChainAgentCore      = "agentcore"
	ChainBedrock        = "bedrock"
	ChainInfrastructure = "infrastructure" // of the listed product codes
)

// DefaultScope returns the AI products that AWS bills: Amazon Bedrock AgentCore
// and what is billed for it under Amazon Cognito, Amazon Bedrock under each of
// its product codes, and models sold on AWS Marketplace. A blank billing entity,
// of a report without that column, counts as AWS.
func DefaultScope() Scope {
	is := func(c cur.Column, values ...string) cur.Cond { return cur.Cond{Column: c, Op: cur.In, Values: values} }
	aws := is(cur.ColBillingEntity, "AWS", "")
	agentCore := is(cur.ColProductCode, "AmazonBedrockAgentCore")
	family := cur.Cond{Column: cur.ColProductFamily, Op: cur.FoldIn, Values: []string{"Amazon Bedrock"}}
	marketplace := cur.Clause{is(cur.ColBillingEntity, "AWS Marketplace"),
		{Column: cur.ColProductName, Op: cur.Contains, Values: []string{"Bedrock"}}}
	any := func(clauses ...cur.Clause) cur.Where { return cur.Where{Any: clauses} }
	return Scope{AI: []Product{
		// AgentCore rows carry the product family of Bedrock: the code decides.
		{"agentcore", any(cur.Clause{aws, agentCore}, cur.Clause{family, agentCore}, append(slices.Clone(marketplace), agentCore)), ChainAgentCore},
		{"agentcore identity", any(cur.Clause{is(cur.ColProductCode, "AmazonCognito"),
			{Column: cur.ColUsageType, Op: cur.Contains, Values: []string{"Bedrock-Agent-Core:"}}}), ChainAgentCore},
		{"bedrock", any(cur.Clause{aws, is(cur.ColProductCode, "AmazonBedrock", "AmazonBedrockService", "AmazonBedrockFoundationModels")}), ChainBedrock},
		{"bedrock on marketplace", any(marketplace), ChainBedrock},
		{"bedrock family", any(cur.Clause{family}), ChainBedrock},
	}}
}

// withDefaults fills what is not given.
func (s Scope) withDefaults() Scope {
	if s.AI == nil {
		s.AI = DefaultScope().AI
	}
	return s
}

// Where returns the predicate to hand to [cur.Rollup]: rows in scope, or which a
// claim could bring into it.
func (s Scope) Where() cur.Where {
	var w cur.Where
	for _, p := range s.withDefaults().AI {
		if len(p.Where.Any) == 0 {
			return cur.Where{} // every row is in scope
		}
		w.Any = append(w.Any, p.Where.Any...)
	}
	if c := s.infrastructure(); c != nil {
		w.Any = append(w.Any, c)
	}
	return w
}

// infrastructure returns the clause that lets infrastructure rows pass.
func (s Scope) infrastructure() cur.Clause {
	if len(s.Infrastructure) == 0 {
		return nil
	}
	codes := slices.Sorted(slices.Values(s.Infrastructure))
	return cur.Clause{{Column: cur.ColProductCode, Op: cur.In, Values: slices.Compact(codes)}}
}

// covers reports whether every row that passes clause surely passes stored.
func covers(stored cur.Where, clause cur.Clause) bool {
	if len(stored.Any) == 0 {
		return true
	}
	// A stored clause covers this one if each of its conditions is met by one
	// here that allows no more values.
	return slices.ContainsFunc(stored.Any, func(s cur.Clause) bool {
		for _, want := range s {
			if !slices.ContainsFunc(clause, func(c cur.Cond) bool {
				return c.Column == want.Column && c.Op == want.Op &&
					!slices.ContainsFunc(c.Values, func(v string) bool { return !slices.Contains(want.Values, v) })
			}) {
				return false
			}
		}
		return true
	})
}
