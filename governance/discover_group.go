package governance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// A link is something that several anchors have in common, in one account and, where it
// is a name, one region.
type link struct{ code, value, account, region string }

// The codes of reasons.
const (
	codeRequest = "request"
	codeClaims  = "claims"
	codeTag     = "tag"
	codeRole    = "execution_role"
	codeNaming  = "naming"
	codeAlone   = "alone"
	codePart    = "part"
	codeAccount = "account"
	codeRegion  = "region"
	codeInScope = "in_scope"
	codeBeside  = "beside"
)

// telling says which links tell more: what an application is called after.
func (l link) telling() int {
	return slices.Index([]string{codeTag, codeNaming, codeRole}, l.code)
}

// group makes applications of the anchors. Those of a request, and those that one
// workload claims, belong together whatever else they share; of the others those that
// share a tag, a role or the beginning of a name in one account.
func (f *finder) group() []Application {
	anchors := f.sortedAnchors()
	fixed := f.fixed(anchors)
	links := map[link][]int{}
	parent := make([]int, len(anchors))
	for i, a := range anchors {
		parent[i] = i
		for _, l := range f.links(a) {
			links[l] = append(links[l], i)
		}
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	// The lowest index is the root, so that the order of links does not matter.
	join := func(i, j int) {
		i, j = root(i), root(j)
		parent[max(i, j)] = min(i, j)
	}
	first := map[holder]int{}
	for i, h := range fixed {
		if h == (holder{}) {
			continue
		}
		if j, ok := first[h]; ok {
			join(i, j)
		} else {
			first[h] = i
		}
	}
	for _, members := range links {
		last := -1
		for _, i := range members {
			if fixed[i] != (holder{}) {
				continue
			}
			if last >= 0 {
				join(last, i)
			}
			last = i
		}
	}
	groups := map[int][]int{}
	for i := range anchors {
		groups[root(i)] = append(groups[root(i)], i)
	}
	var out []Application
	for _, r := range slices.Sorted(maps.Keys(groups)) {
		all := groups[r]
		common := f.common(anchors, all, links, fixed)
		for part := 0; len(all) > 0; part++ {
			n := min(len(all), maxFound)
			members := make([]*FoundAnchor, n)
			for i, at := range all[:n] {
				members[i] = anchors[at]
			}
			app := f.application(members, fixed[r], common)
			if part > 0 {
				app.ID, app.Name = attribution.WorkloadID(fmt.Sprintf("%s-part-%d", app.ID, part+1)), fmt.Sprintf("%s (part %d)", app.Name, part+1)
			}
			if len(groups[r]) > maxFound {
				app.Reasons = append(app.Reasons, FoundReason{codePart, fmt.Sprint(part + 1), fmt.Sprintf("%d of %d anchors that belong together: more than one request holds", n, len(groups[r]))})
			}
			out, all = append(out, app), all[n:]
		}
	}
	distinct(out)
	slices.SortFunc(out, func(a, b Application) int { return cmp.Or(b.Spend.Cmp(a.Spend), cmp.Compare(a.ID, b.ID)) })
	return out
}

// A holder is who has anchors together already: a request, or a workload by claims.
type holder struct {
	request Ref
	state   State
	claims  attribution.WorkloadID
}

// fixed returns who has each anchor already.
func (f *finder) fixed(anchors []*FoundAnchor) []holder {
	known := map[string]holder{}
	claimed := map[attribution.WorkloadID]holder{}
	requests := slices.Clone(f.opt.Known)
	slices.SortFunc(requests, func(a, b KnownApplication) int { return cmp.Compare(b.Request.String(), a.Request.String()) })
	for _, k := range requests {
		h := holder{request: k.Request, state: k.State}
		for _, a := range k.Anchors {
			known[f.identity(a)] = h
		}
		claimed[k.Request.Workload] = h
	}
	out := make([]holder, len(anchors))
	for i, a := range anchors {
		if h, ok := known[a.identity]; ok {
			out[i] = h
		} else if a.Claimed != "" {
			out[i] = holder{claims: a.Claimed}
			if h, ok := claimed[a.Claimed]; ok {
				out[i] = h
			}
		}
	}
	return out
}

// links returns what an anchor could share with others.
func (f *finder) links(a *FoundAnchor) []link {
	var out []link
	for _, t := range a.tags {
		out = append(out, link{codeTag, t, a.Account, ""})
	}
	for _, principal := range a.Roles {
		// A role that everybody uses says nothing.
		if name := roleName(principal); name != "" && !everybodys(name) {
			out = append(out, link{codeRole, name, a.Account, ""})
		}
	}
	if words := f.words(ownName(a.Anchor)); len(words) > 0 {
		for _, region := range a.Regions {
			out = append(out, link{codeNaming, words[0], a.Account, region})
		}
		if len(a.Regions) == 0 {
			out = append(out, link{codeNaming, words[0], a.Account, ""})
		}
	}
	return out
}

// common returns the reasons that hold a group together, and the link to call it after.
func (f *finder) common(anchors []*FoundAnchor, members []int, links map[link][]int, fixed []holder) (out groupReasons) {
	if h := fixed[members[0]]; h.request != (Ref{}) {
		out.reasons = append(out.reasons, FoundReason{codeRequest, h.request.String(), fmt.Sprintf("request %s, which is %s, names them or their workload", h.request, h.state)})
	} else if h.claims != "" {
		out.reasons = append(out.reasons, FoundReason{codeClaims, string(h.claims), fmt.Sprintf("claims that no request stands behind give them to %s", h.claims)})
	}
	shared := map[link]int{}
	for _, i := range members {
		for _, l := range f.links(anchors[i]) {
			shared[l]++
		}
	}
	all := slices.SortedFunc(maps.Keys(shared), func(a, b link) int {
		return cmp.Or(cmp.Compare(a.telling(), b.telling()), cmp.Compare(a.value, b.value), cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region))
	})
	for _, l := range all {
		if shared[l] > 1 {
			out.reasons = append(out.reasons, l.reason(shared[l]))
			if out.after == (link{}) {
				out.after = l
			}
		}
		beside := map[string]bool{}
		for _, i := range links[l] {
			h := fixed[i]
			if h == (holder{}) || h == fixed[members[0]] {
				continue
			}
			name := cmp.Or(string(h.claims), string(h.request.Workload))
			if !beside[name] {
				beside[name] = true
				out.beside = append(out.beside, FoundReason{codeBeside, name, fmt.Sprintf("%s %s is also of %s", strings.ReplaceAll(l.code, "_", " "), l.value, name)})
			}
		}
	}
	if len(members) == 1 && len(out.reasons) == 0 {
		out.reasons = append(out.reasons, FoundReason{codeAlone, "", "it shares neither tag, role nor name with anything else without an approval"})
	}
	return out
}

// groupReasons are the reasons of a group.
type groupReasons struct {
	after           link
	reasons, beside []FoundReason
}

func (l link) reason(n int) FoundReason {
	detail := ""
	switch l.code {
	case codeTag:
		detail = fmt.Sprintf("%d of them have the tag %s", n, l.value)
	case codeRole:
		detail = fmt.Sprintf("%d of them run or call as role %s", n, l.value)
	case codeNaming:
		detail = fmt.Sprintf("the names of %d of them begin with %s, in account %s and region %s", n, l.value, l.account, cmp.Or(l.region, "unknown"))
	}
	return FoundReason{l.code, l.value, detail}
}

// application describes a group.
func (f *finder) application(members []*FoundAnchor, h holder, why groupReasons) Application {
	app := Application{Request: h.request, State: h.state, Reasons: slices.Clone(why.reasons), currency: f.out.Currency}
	var sum, complete exact.Num
	var scopes []string
	for i, a := range members {
		if i == 0 || a.First.Before(app.First) {
			app.First = a.First
		}
		if a.Last.After(app.Last) {
			app.Last = a.Last
		}
		app.Rows += a.Rows
		sum.Acc(a.sum)
		complete.Acc(a.complete)
		app.Accounts, app.Regions = merge(app.Accounts, a.Account), merge(app.Regions, a.Regions...)
		app.Components, app.Models = merge(app.Components, a.Components...), merge(app.Models, a.Models...)
		app.Roles, app.payers = merge(app.Roles, a.Roles...), merge(app.payers, a.payer)
		scopes = merge(scopes, a.scopes...)
		app.Anchors = append(app.Anchors, *a)
	}
	slices.SortFunc(app.Anchors, func(a, b FoundAnchor) int {
		return cmp.Or(b.Spend.Cmp(a.Spend), compareAnchors(a.Anchor, b.Anchor), cmp.Compare(a.Account, b.Account))
	})
	app.Spend, app.Monthly = sum.Decimal(), monthlyRate(sum.Decimal(), complete.Decimal(), app.First, app.Last, f.out.Through)
	app.Reasons = append(app.Reasons,
		FoundReason{codeAccount, strings.Join(app.Accounts, ", "), "all of it is used by account " + strings.Join(app.Accounts, " and ")},
		FoundReason{codeRegion, strings.Join(app.Regions, ", "), "it runs in region " + cmp.Or(strings.Join(app.Regions, " and "), "unknown")})
	for _, s := range scopes {
		app.Reasons = append(app.Reasons, FoundReason{codeInScope, s, s + " allows this for its own workload: a claim may be all that is missing"})
	}
	app.Reasons = append(app.Reasons, why.beside...)
	f.name(&app, h, why.after)
	return app
}

// name calls an application after what tells most of it.
func (f *finder) name(app *Application, h holder, after link) {
	switch {
	case h.request != (Ref{}):
		app.ID, app.Name = h.request.Workload, string(h.request.Workload)
		return
	case h.claims != "":
		app.ID, app.Name = h.claims, string(h.claims)
		return
	}
	text := after.value
	if after.code == codeTag {
		text = text[strings.IndexByte(text, '=')+1:]
	}
	if text == "" {
		// Not the dearest, which may be another one tomorrow.
		one := slices.MinFunc(app.Anchors, func(a, b FoundAnchor) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.identity, b.identity))
		})
		text = ownName(one.Anchor)
	}
	word := strings.Join(attribution.NameWords(text), "-")
	if len(word) > 48 || word == "" {
		word = short(text)[:12]
	}
	app.Name = text
	if text == "" || len(app.Name) > maxID {
		app.Name = word
	}
	app.ID = attribution.WorkloadID("found-" + word + "-" + app.Accounts[0])
	if checkID("workload", string(app.ID)) != nil {
		app.ID = attribution.WorkloadID("found-" + short(text + app.Accounts[0])[:16])
	}
}

// distinct gives applications that would be called alike names of their own.
func distinct(apps []Application) {
	count := map[attribution.WorkloadID]int{}
	for i := range apps {
		count[apps[i].ID]++
	}
	for i := range apps {
		if apps[i].Request != (Ref{}) || count[apps[i].ID] == 1 {
			continue
		}
		var ids []string
		for _, a := range apps[i].Anchors {
			ids = append(ids, a.Account+" "+a.identity)
		}
		apps[i].ID = attribution.WorkloadID(fmt.Sprintf("%.100s-%s", apps[i].ID, short(slices.Min(ids))[:8]))
	}
}

// monthlyRate returns what thirty days cost at the rate of the complete days from the
// first one seen, rounded up to cents; where none is complete, of those seen.
func monthlyRate(all, complete decimal.Decimal, first, last, through time.Time) decimal.Decimal {
	sum, to := complete, through
	if through.IsZero() || through.Before(first) {
		sum, to = all, last
	}
	days := int64(to.Sub(first)/(24*time.Hour)) + 1
	cents, rest := sum.Mul(decimal.NewFromInt(30)).QuoRem(decimal.NewFromInt(days), 2)
	if rest.IsPositive() {
		cents = cents.Add(decimal.New(1, -2))
	}
	return cents
}

// roleName returns the name of a principal without account, path and session.
func roleName(principal string) string {
	arn, ok := attribution.ParseARN(principal)
	if !ok {
		return principal
	}
	parts := strings.Split(arn.Resource, "/")
	if arn.Service == "sts" && len(parts) > 1 {
		return parts[1]
	}
	return parts[len(parts)-1]
}

// everybodys reports whether a role's name says that it is no one application's.
func everybodys(role string) bool {
	return strings.HasPrefix(role, "AWSReservedSSO_") || role == "root" || slices.ContainsFunc(attribution.NameWords(role), func(w string) bool {
		return slices.Contains([]string{"admin", "administrator", "common", "default", "generic", "shared", "poweruser"}, w)
	})
}

// ownName returns what people called a thing: the last part of its id, without the ten
// characters that the service appends.
func ownName(a attribution.Anchor) string {
	if a.Kind == attribution.KindRole || a.Kind == attribution.KindUser {
		return roleName(a.Value)
	}
	name := a.Value
	if arn, ok := attribution.ParseARN(name); ok {
		parts := strings.Split(arn.Resource, "/")
		name = parts[min(1, len(parts)-1)]
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 && len(name)-i-1 == 10 && strings.ContainsAny(name[i+1:], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		name = name[:i]
	}
	return name
}

// dullWords are words that names have for what things are, not for whose.
func dullWords() []string {
	return []string{"agent", "agents", "agentcore", "agentexecutionrole", "app", "application", "aws", "bedrock", "bot", "browser", "code", "codeinterpreter", "custom",
		"default", "dev", "execution", "finops", "found", "gateway", "interpreter", "lambda", "memory", "poc", "prod", "production", "prototype", "role",
		"runtime", "sandbox", "service", "shared", "staging", "store", "svc", "task", "test", "the", "tool", "user", "v1", "v2", "workload"}
}

// words returns the words of a name that may tell whose it is.
func (f *finder) words(name string) []string {
	return slices.DeleteFunc(attribution.NameWords(name), func(w string) bool {
		return len(w) < 3 || slices.Contains(dullWords(), w) || slices.ContainsFunc(f.opt.Dull, func(d string) bool { return strings.EqualFold(d, w) })
	})
}
