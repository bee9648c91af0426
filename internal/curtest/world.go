package curtest

import (
	"fmt"
	"strconv"
)

// world is the invented organisation of a month: its size depends on the configured
// counts, never on the number of rows.
type world struct {
	accounts, names []string
	models          [2][]*SKU // by region
	unknown         [2][]*SKU
	others          [2][]*SKU
	agents          [2]map[string][]*SKU // by region and kind of resource
	principals      []principal
	resources       []resource
	other           []resource
}

type principal struct {
	account  int
	region   int
	prefix   string   // up to the session name; the whole ARN of a user
	sessions []string // whole ARNs
	profile  string   // application inference profile it calls models through, if any
	first    int      // index of the first of its SKUs
	tags     *Map
}

type resource struct {
	account, region int
	id              string
	skus            []*SKU
	tags, raw       *Map // resource_tags and tags: one tag, two spellings
}

// skusPerAnchor bounds how many groups a principal or resource can make in a day.
const skusPerAnchor = 3

var regions = [2]struct{ prefix, name string }{{"USE1", "us-east-1"}, {"APN1", "ap-northeast-1"}}

func newWorld(c *Config) *world {
	w := &world{}
	for i := range c.Accounts {
		w.accounts = append(w.accounts, strconv.Itoa(111100000001+i*37))
		w.names = append(w.names, fmt.Sprintf("SYNTHETIC account %d", i+1))
	}
	for i, r := range regions {
		w.models[i] = skus(modelPrices, r.prefix, r.name)
		w.unknown[i] = skus(unknownPrices, r.prefix, r.name)
		w.others[i] = skus(otherPrices, r.prefix, r.name)
		w.agents[i] = make(map[string][]*SKU)
		for j, s := range skus(agentPrices, r.prefix, r.name) {
			kind := agentPrices[j].kind
			w.agents[i][kind] = append(w.agents[i][kind], s)
		}
	}
	for i := range c.Roles {
		w.principals = append(w.principals, w.principal(c, i))
	}
	for i := range c.Resources {
		w.resources = append(w.resources, w.agentResource(c, i))
	}
	for i := range c.OtherResources {
		w.other = append(w.other, w.otherResource(c, i))
	}
	return w
}

// principal makes role i. One in ten is a user, one in ten an API key of a user, one in
// eight calls through an inference profile; the rest are roles with sessions.
func (w *world) principal(c *Config, i int) principal {
	h := at(c.Seed, 20, int64(i))
	p := principal{account: h.below(len(w.accounts)), first: h.below(len(modelPrices))}
	if h.below(6) == 0 {
		p.region = 1
	}
	account := w.accounts[p.account]
	switch {
	case i%10 == 8:
		p.prefix = "arn:aws:iam::" + account + ":user/dev-" + strconv.Itoa(i)
		p.sessions = []string{p.prefix}
	case i%10 == 9:
		p.prefix = "arn:aws:iam::" + account + ":user/BedrockAPIKey-" + h.letters(4, alnum)
		p.sessions = []string{p.prefix}
	default:
		p.prefix = "arn:aws:sts::" + account + ":assumed-role/AgentExecutionRole-" + strconv.Itoa(i) + "/"
		for s := range c.Sessions {
			name := "BedrockAgentCore-" + h.uuid()
			if s%4 == 3 {
				name = h.letters(6, alnum) + "@example.com" // as single sign-on names them
			}
			p.sessions = append(p.sessions, p.prefix+name)
		}
	}
	if i%8 == 3 {
		p.profile = "arn:aws:bedrock:" + regions[p.region].name + ":" + account +
			":application-inference-profile/" + h.letters(12, alnum)
	}
	if i%3 == 0 {
		p.tags = NewMap(Pair{"iamPrincipal/team", "team-" + strconv.Itoa(i%5)})
	}
	return p
}

// agentKinds is the cycle of kinds that AgentCore resources go through.
var agentKinds = []string{
	"runtime", "memory", "code", "runtime", "memory", "gateway", "browser", "runtime", "identity", "memory", "code", "evaluator", "policy",
}

// agentResource makes AgentCore resource i, with a documented ARN. One runtime and one
// memory in ten have the shapes that another source printed, one interpreter or browser
// in three is AWS's own, whose ARN carries no account.
func (w *world) agentResource(c *Config, i int) resource {
	h := at(c.Seed, 21, int64(i))
	r := resource{account: h.below(len(w.accounts))}
	if h.below(6) == 0 {
		r.region = 1
	}
	kind := agentKinds[i%len(agentKinds)]
	r.skus = w.agents[r.region][kind]
	region, account, n := regions[r.region].name, w.accounts[r.account], strconv.Itoa(i)
	base := "arn:aws:bedrock-agentcore:" + region + ":" + account + ":"
	aws := "arn:aws:bedrock-agentcore:" + region + ":aws:"
	id := h.letters(10, mixed)
	switch kind {
	case "runtime":
		r.id = base + "runtime/agent_" + n + "-" + id
		switch {
		case i%10 == 7:
			r.id = "arn:aws:bedrock:" + region + ":" + account + ":agent-runtime/" + id
		case i%2 == 1:
			r.id += "/runtime-endpoint/DEFAULT"
		}
	case "memory":
		r.id = base + "memory/store_" + n + "-" + id
		if i%10 == 9 {
			r.id = "arn:aws:bedrock:" + region + ":" + account + ":memory-store/" + id
		}
	case "code":
		r.id = base + "code-interpreter-custom/sandbox_" + n + "-" + id
		if h.below(3) == 0 {
			r.id = aws + "code-interpreter/aws.codeinterpreter.v1"
		}
	case "browser":
		r.id = base + "browser-custom/browser_" + n + "-" + id
		if h.below(3) == 0 {
			r.id = aws + "browser/aws.browser.v1"
		}
	case "gateway":
		r.id = base + "gateway/tools-" + n + "-" + h.letters(10, alnum)
	case "evaluator":
		r.id = base + "evaluator/quality_" + n + "-" + id
	case "policy":
		r.id = base + "policy-engine/guard_" + n + "-" + id
	default:
		r.id = base + "workload-identity-directory/default/workload-identity/agent-" + n
	}
	if i%4 == 0 {
		r.tag("team-" + strconv.Itoa(i%5))
	}
	return r
}

func (w *world) otherResource(c *Config, i int) resource {
	h := at(c.Seed, 22, int64(i))
	r := resource{account: h.below(len(w.accounts))}
	if h.below(6) == 0 {
		r.region = 1
	}
	n := h.below(len(otherPrices))
	r.skus = w.others[r.region][n : n+1]
	switch r.skus[0].Code {
	case "AmazonEC2":
		r.id = "i-0" + h.letters(16, "0123456789abcdef")
	case "AmazonS3":
		r.id = "synthetic-bucket-" + strconv.Itoa(i)
	case "AWSQueueService": // no resource: such rows are common too
	default:
		r.id = "arn:aws:synthetic:" + regions[r.region].name + ":" + w.accounts[r.account] + ":thing/" + strconv.Itoa(i)
	}
	if i%5 == 0 {
		r.tag("team-" + strconv.Itoa(i%7))
	}
	return r
}

func (r *resource) tag(team string) {
	r.tags = NewMap(Pair{"user_team", team})
	r.raw = NewMap(Pair{"resourceTags/user:team", team})
}
