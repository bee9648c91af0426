package main

import (
	"strconv"
	"time"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// Accounts and portfolios of the invented organisation.
const (
	payer    = "741258963014"
	customer = "820723250459"
	platform = "341755902216"

	insights = "Customer & Insights"
	risk     = "Risk & Payments"
)

func accountName(account string) string {
	if account == customer {
		return "SYNTHETIC customer apps"
	}
	return "SYNTHETIC shared platform"
}

// group is the money of one workload (or of nobody) for one component group under one
// anchor: a target per month, cut into SKUs, days and sessions.
type group struct {
	key        string // names the group in ids and restatements
	account    string
	portfolio  string // cost category; blank: none
	resource   string
	endpoint   bool   // part of the days are billed under the runtime's endpoint
	app        string // resource tag
	caller     *caller
	april, may string // dollars; blank: nothing that month
	parts      []part
	weight     func(time.Time) int64
	since      time.Time // first day with usage; zero: all
}

// caller is a principal that calls models, with its sessions of a day.
type caller struct {
	role     string
	sessions int
	session  func(day time.Time, n int) string
	profile  string // application inference profile
	tenants  bool   // sessions carry a tenant tag
}

// Restated amounts and weights name days of May.
func may(day int) time.Time { return time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC) }

// steady is the pace of a working week: weekends are quieter, no day is like another.
func steady(key string) func(time.Time) int64 {
	return func(day time.Time) int64 {
		w := int64(100)
		if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
			w = 70
		}
		return w * jitter(key, day)
	}
}

// jitter is 92 to 108, the same for the same key and day.
func jitter(key string, day time.Time) int64 {
	n, err := strconv.Atoi(curtest.StableDigits(2, key, day.Format(time.DateOnly)))
	if err != nil {
		return 100
	}
	return 92 + int64(n)%17
}

// times multiplies a pace on days for which when is true.
func times(pace func(time.Time) int64, percent int64, when func(time.Time) bool) func(time.Time) int64 {
	return func(day time.Time) int64 {
		if when(day) {
			return pace(day) * percent / 100
		}
		return pace(day)
	}
}

// interpreter is the pace of Data Insights Copilot's code interpreter: what April had
// until the 10th of May, and almost four times that from the 11th on.
func interpreter(day time.Time) int64 {
	switch {
	case day.Month() == time.April:
		return 100 * jitter("interpreter", day)
	case day.Before(may(11)):
		return 21 * jitter("interpreter", day) * 13 // 210 dollars in ten days
	default:
		return 103 * jitter("interpreter", day) * 10 // 1,030 in thirteen
	}
}

func arn(account, tail string) string {
	return "arn:aws:bedrock-agentcore:" + region + ":" + account + ":" + tail
}

// agentSession names sessions as an AgentCore runtime does.
func agentSession(key string) func(time.Time, int) string {
	return func(day time.Time, n int) string {
		return "BedrockAgentCore-" + curtest.StableUUID(key, day.Format(time.DateOnly), strconv.Itoa(n))
	}
}

// supportSession names Customer Support Bot's sessions itself; one of them is asked for
// by name elsewhere, the rest begin with invented letters.
func supportSession(day time.Time, n int) string {
	if day.Equal(may(19)) && n == 0 {
		return "7f3c91e2-support-0519"
	}
	return curtest.StableUUID("support", day.Format(time.DateOnly), strconv.Itoa(n))[:8] + "-support-" + day.Format("0102")
}

// dated names one session a day.
func dated(prefix string) func(time.Time, int) string {
	return func(day time.Time, _ int) string { return prefix + day.Format("0102") }
}

// cpuMem cuts compute of about two GB to the vCPU.
func cpuMem(cpu, mem *curtest.SKU) []part { return []part{{cpu, 820}, {mem, 180}} }

// groups is the whole plan. The order is the order of rows within a day.
func groups(p *prices) []group {
	runtime := cpuMem(p.runtimeCPU, p.runtimeMem)
	code := cpuMem(p.codeCPU, p.codeMem)
	memory := []part{{p.events, 175}, {p.retrievals, 825}}
	stored := []part{{p.records, 250}, {p.events, 300}, {p.retrievals, 450}}
	role := func(name string) *caller { return &caller{role: name, sessions: 1, session: agentSession(name)} }
	the19th := func(day time.Time) bool { return day.Equal(may(19)) }
	list := []group{
		// Customer Support Bot
		{key: "csbot/runtime", account: customer, portfolio: insights, app: "customer-support",
			resource: arn(customer, "runtime/customer_support_bot-Qe7Rt2Ya9L"), april: "56", may: "60", parts: runtime},
		{key: "csbot/memory", account: customer, portfolio: insights, app: "customer-support",
			resource: arn(customer, "memory/customer_support_memory-m4Kp81ZxQw"), april: "55", may: "60", parts: memory,
			weight: times(steady("csbot/memory"), 260, the19th)},
		{key: "csbot/models", account: customer, portfolio: insights, april: "780", may: "840",
			caller: &caller{role: "finops-csbot-a4f2", sessions: 3, session: supportSession, tenants: true},
			parts:  []part{{p.sonnetIn, 280}, {p.sonnetOut, 360}, {p.sonnetWrite, 80}, {p.haikuIn, 60}, {p.haikuOut, 60}, {p.sonnetRead, 110}, {p.globalIn, 50}}},

		// Returns Triage Agent: cheaper in the week of the 18th
		{key: "returns/runtime", account: customer, portfolio: insights,
			resource: arn(customer, "runtime/returns_triage-Hn5Vb0Jc3D"), april: "22", may: "25", parts: runtime},
		{key: "returns/memory", account: customer, portfolio: insights,
			resource: arn(customer, "memory/returns_triage_memory-t2Ws6EdRf8"), april: "36", may: "40", parts: memory},
		{key: "returns/models", account: customer, portfolio: insights, april: "270", may: "300", caller: role("AgentExecutionRole"),
			parts:  []part{{p.haikuIn, 380}, {p.haikuOut, 420}, {p.liteRead, 20}, {p.liteIn, 100}, {p.liteOut, 80}},
			weight: times(steady("returns/models"), 50, func(day time.Time) bool { return !day.Before(may(18)) })},

		// Data Insights Copilot
		{key: "insights/runtime", account: platform, portfolio: insights, app: "data-insights", endpoint: true,
			resource: arn(platform, "runtime/data_insights_copilot-Lk3Jh7Gf2S"), april: "84", may: "90", parts: runtime},
		{key: "insights/memory", account: platform, portfolio: insights, app: "data-insights",
			resource: arn(platform, "memory/data_insights_memory-y6Tr4Ew2Qa"), april: "185", may: "200", parts: stored},
		{key: "insights/code", account: platform, portfolio: insights, app: "data-insights",
			resource: arn(platform, "code-interpreter-custom/data_insights_sandbox-P0o9I8u7Yt"), april: "610", may: "1240",
			parts: code, weight: interpreter},
		{key: "insights/models", account: platform, portfolio: insights, april: "1280", may: "1400",
			caller: &caller{role: "AgentExecutionRole-data-insights", sessions: 2, session: agentSession("insights")},
			parts:  []part{{p.marketIn, 250}, {p.marketOut, 300}, {p.globalIn, 130}, {p.globalOut, 170}, {p.marketRead, 50}, {p.proOut, 50}, {p.proIn, 50}}},

		// Document Platform: resource ids in another shape, and the shared role
		{key: "documents/runtime", account: platform, portfolio: insights,
			resource: "arn:aws:bedrock:us-east-1:341755902216:agent-runtime/docplat7c", april: "28", may: "30", parts: runtime},
		{key: "documents/memory", account: platform, portfolio: insights,
			resource: "arn:aws:bedrock:us-east-1:341755902216:memory-store/docplat-store", april: "74", may: "80", parts: stored},
		{key: "documents/models", account: platform, portfolio: insights, april: "199", may: "220", caller: role("AgentExecutionRole-document-platform"),
			parts: []part{{p.titan, 150}, {p.proOut, 400}, {p.proIn, 450}}},
		{key: "shared/documents", account: platform, portfolio: insights, april: "117", may: "120",
			caller: &caller{role: "finops-shared-svc", sessions: 1, session: dated("document-platform-")},
			parts:  []part{{p.proOut, 500}, {p.liteIn, 250}, {p.liteOut, 250}}},
		{key: "shared/returns", account: platform, portfolio: insights, april: "54", may: "60",
			caller: &caller{role: "finops-shared-svc", sessions: 1, session: dated("returns-triage-"),
				profile: "arn:aws:bedrock:us-east-1:341755902216:application-inference-profile/rtntriage01x"},
			parts: []part{{p.liteIn, 500}, {p.liteOut, 500}}},

		// Risk & Payments
		{key: "fraud/runtime", account: platform, portfolio: risk,
			resource: arn(platform, "runtime/fraud_review-Xc4Vb6Nm8A"), april: "40", may: "42", parts: runtime},
		{key: "fraud/memory", account: platform, portfolio: risk,
			resource: arn(platform, "memory/fraud_review_memory-s1Df3Gh5Jk"), april: "20", may: "21", parts: memory},
		{key: "fraud/code", account: platform, portfolio: risk,
			resource: arn(platform, "code-interpreter-custom/fraud_review_sandbox-Z2x4C6v8Bn"), april: "360", may: "400", parts: code},
		{key: "fraud/models", account: platform, portfolio: risk, april: "500", may: "520", caller: role("AgentExecutionRole-fraud-review"),
			parts: []part{{p.opusIn, 300}, {p.opusOut, 350}, {p.ossOut, 120}, {p.opusWrite, 100}, {p.ossIn, 130}}},
		{key: "chargeback/runtime", account: platform, portfolio: risk,
			resource: arn(platform, "runtime/chargeback_assistant-Wq1Er3Ty5U"), april: "12", may: "14", parts: runtime},
		{key: "chargeback/unknown", account: platform, portfolio: risk,
			resource: arn(platform, "runtime/chargeback_assistant-Wq1Er3Ty5U"), april: "0.24", may: "0.3", parts: []part{{p.unknown, 1000}}},
		{key: "chargeback/memory", account: platform, portfolio: risk,
			resource: arn(platform, "memory/chargeback_memory-o7Iu5Yt3Re"), april: "8", may: "9", parts: memory},
		{key: "chargeback/models", account: platform, portfolio: risk, april: "150", may: "160", caller: role("AgentExecutionRole-chargeback"),
			parts: []part{{p.marketHaikuIn, 450}, {p.liteOut, 100}, {p.marketHaikuOut, 350}, {p.liteIn, 100}}},
		{key: "kyc/runtime", account: platform, portfolio: risk,
			resource: arn(platform, "runtime/kyc_summariser-Aa1Ss2Dd3F"), april: "10", may: "11", parts: runtime},
		{key: "kyc/memory", account: platform, portfolio: risk,
			resource: arn(platform, "memory/kyc_memory-g4Hh5Jj6Kk"), april: "5", may: "6", parts: memory},
		{key: "kyc/code", account: platform, portfolio: risk,
			resource: arn(platform, "code-interpreter-custom/kyc_sandbox-L7z8X9c0Vb"), april: "170", may: "183.53", parts: code},
		{key: "kyc/models", account: platform, portfolio: risk, april: "90", may: "95", caller: role("AgentExecutionRole-kyc"),
			parts: []part{{p.sonnetIn, 300}, {p.sonnetOut, 300}, {p.proOut, 200}, {p.proIn, 200}}},

		// What nobody claims. Vacant compute of the interpreter AWS owns: only memory bills.
		{key: "unclaimed/runtime", account: customer, may: "48.5", parts: runtime, since: may(19),
			resource: arn(customer, "runtime/pricing_experiment-Zx81qLm4Tn")},
		{key: "unclaimed/memory", account: platform, may: "12.25", parts: memory, since: may(8),
			resource: arn(platform, "memory/prototype_memory-b3Nv5Cx7Zl")},
		{key: "unclaimed/code", account: platform, may: "9.45", parts: []part{{p.codeMem, 1000}}, since: may(4),
			resource: "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"},
		{key: "unclaimed/models", account: customer, may: "31", caller: role("lab-agents-poc"), since: may(12),
			parts: []part{{p.sonnetIn, 300}, {p.sonnetOut, 300}, {p.proOut, 200}, {p.proIn, 200}}},
	}
	for i := range list {
		if list[i].weight == nil {
			list[i].weight = steady(list[i].key)
		}
	}
	return list
}
