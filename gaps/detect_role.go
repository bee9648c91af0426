package gaps

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
)

// roleDetector finds roles that say too little about who calls a model: those that are
// broad, shared or people's own, and those that several workloads use. The subject is
// the role. Both are advice: the rows may well have an owner.
type roleDetector struct{}

func (roleDetector) Kinds() []Kind { return []Kind{RoleRecommendation, SharedRole} }

func (roleDetector) Needs(*View) bool { return true }

func (roleDetector) Detect(v *View, report func(Finding)) {
	why := map[string]string{} // by principal
	users := v.users()
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
		of := users[canonicalAnchor(anchor, s.Key.UsageAccount)]
		shared := map[int64]bool{}
		all := map[attribution.WorkloadID]bool{}
		for i := range s.days {
			if on := of.on(s.days[i].at); len(on) > 1 {
				shared[s.days[i].at] = true
				for _, w := range on {
					all[w] = true
				}
			}
		}
		if len(shared) == 0 {
			continue
		}
		var names []string
		for _, w := range slices.Sorted(maps.Keys(all)) {
			names = append(names, string(w))
		}
		f := Finding{Kind: SharedRole, Subject: subject, Spend: s, Why: fmt.Sprintf("workloads %s use one role", strings.Join(names, ", "))}
		if len(shared) < len(s.days) {
			f.On = func(d time.Time) bool { return shared[d.Unix()] }
		}
		report(f)
	}
}

// users are the workloads that a role served.
type users struct {
	always []attribution.WorkloadID           // by session starts
	days   map[int64][]attribution.WorkloadID // by claims: a role that changes hands has one at a time
}

func (u *users) on(at int64) []attribution.WorkloadID {
	if u == nil {
		return nil
	}
	out := slices.Clone(u.always)
	for _, w := range u.days[at] {
		out = include(out, w)
	}
	return out
}

// users returns who served itself of each principal: those who have its money by
// whatever claim, be it on a session, a profile or a part of a share, those whose
// claims lost to better ones, and those whose sessions were started under it.
func (v *View) users() map[attribution.Anchor]*users {
	out := map[attribution.Anchor]*users{}
	of := func(a attribution.Anchor, account string) *users {
		a = canonicalAnchor(a, account)
		if out[a] == nil {
			out[a] = &users{days: map[int64][]attribution.WorkloadID{}}
		}
		return out[a]
	}
	for s := range v.Spends() {
		if s.Key.Principal == "" || !s.Models() {
			continue
		}
		list := s.Owners()
		for _, c := range s.Overridden {
			if c.Anchor.Kind != attribution.KindAccount && c.Anchor.Kind != attribution.KindTag {
				list = append(list, owners(c)...)
			}
		}
		u := of(principalOf(s), s.Key.UsageAccount)
		for i := range s.days {
			for _, w := range list {
				u.days[s.days[i].at] = include(u.days[s.days[i].at], w)
			}
		}
	}
	for i := range v.Sessions {
		s := &v.Sessions[i]
		if w := v.starter(s); s.Role != "" && w != "" {
			u := of(attribution.Anchor{Kind: attribution.KindRole, Value: s.Role, Account: s.Account}, s.Account)
			u.always = include(u.always, w)
		}
	}
	return out
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
	words := attribution.NameWords(name)
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
