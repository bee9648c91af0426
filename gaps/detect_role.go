package gaps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
)

// roleDetector finds roles that say too little about who calls a model: those that are
// broad, shared or people's own, and those that several workloads use. The subject is
// the role. Both are advice: the rows may well have an owner.
type roleDetector struct{}

func (roleDetector) Kinds() []Kind { return []Kind{RoleRecommendation, SharedRole} }

func (roleDetector) Needs(*View) bool { return true }

func (roleDetector) Detect(v *View, report func(Finding)) {
	sessions := v.sessionUsers()
	why := map[string]string{} // by principal
	for s := range v.Spends() {
		if !s.Models() || s.Key.Principal == "" {
			continue
		}
		anchor := principalOf(s)
		subject := Subject{Account: s.Key.UsageAccount, Anchor: anchor}
		text, known := why[s.Key.Principal]
		if !known {
			text = broad(s.Key.Principal)
			why[s.Key.Principal] = text
		}
		if text != "" {
			report(Finding{Kind: RoleRecommendation, Subject: subject, Spend: s, Why: text})
		}
		users := slices.Clone(sessions[canonicalAnchor(anchor, s.Key.UsageAccount)])
		users = append(users, s.Owners()...)
		// A claim that the role's claim beats is a workload of its own behind it.
		if s.Claim != nil && (s.Claim.Anchor.Kind == attribution.KindRole || s.Claim.Anchor.Kind == attribution.KindUser) {
			for _, c := range s.Overridden {
				if c.Anchor.Kind != attribution.KindAccount && c.Anchor.Kind != attribution.KindTag {
					users = append(users, owners(c)...)
				}
			}
		}
		slices.Sort(users)
		if users = slices.Compact(users); len(users) > 1 {
			names := make([]string, len(users))
			for i, w := range users {
				names[i] = string(w)
			}
			report(Finding{Kind: SharedRole, Subject: subject, Spend: s,
				Why: fmt.Sprintf("workloads %s use one role", strings.Join(names, ", "))})
		}
	}
}

// principalOf names the principal of a spend as an anchor, whatever it is claimed by.
func principalOf(s *Spend) attribution.Anchor {
	kind := attribution.KindRole
	if arn, ok := attribution.ParseARN(s.Key.Principal); ok && !strings.HasPrefix(arn.Resource, "assumed-role/") && !strings.HasPrefix(arn.Resource, "role/") {
		kind = attribution.KindUser
	}
	return attribution.Anchor{Kind: kind, Value: s.Key.Principal, Account: s.Key.UsageAccount}
}

// Words in a role's name that say it is not one application's.
var (
	adminWords  = []string{"admin", "admins", "administrator", "administrators", "administratoraccess", "poweruser", "powerusers", "poweruseraccess", "superuser"}
	sharedWords = []string{"shared", "common", "generic", "everyone", "default"}
)

// broad says why a principal is too broad to tell who uses it; "" if its name does not
// give it away. Only names are known here; policies are not.
func broad(principal string) string {
	arn, ok := attribution.ParseARN(principal)
	if ok && arn.Resource == "root" {
		return "the root user of the account calls models"
	}
	name, _ := principalName(principal)
	if strings.HasPrefix(name, ssoPrefix) {
		return "a role of people who sign in (" + name + ") calls models"
	}
	words := tokens(name)
	// Words are also looked for in pairs, for camel case cuts PowerUser.
	for i := range words {
		pair := words[i]
		if i+1 < len(words) {
			pair += words[i+1]
		}
		for _, w := range [...]string{words[i], pair} {
			switch {
			case slices.Contains(adminWords, w):
				return "an administrator's role (" + name + ") calls models"
			case slices.Contains(sharedWords, w):
				return "a shared role (" + name + ") calls models"
			}
		}
	}
	return ""
}

// sessionUsers returns the workloads that each role served according to the supplied
// session starts.
func (v *View) sessionUsers() map[attribution.Anchor][]attribution.WorkloadID {
	out := map[attribution.Anchor][]attribution.WorkloadID{}
	for i := range v.Sessions {
		s := &v.Sessions[i]
		w := v.starter(s)
		if s.Role == "" || w == "" {
			continue
		}
		a := canonicalAnchor(attribution.Anchor{Kind: attribution.KindRole, Value: s.Role, Account: s.Account}, s.Account)
		if !slices.Contains(out[a], w) {
			out[a] = append(out[a], w)
		}
	}
	return out
}
