package cur

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// The session grain is a second rollup beside the book: of few rows, at the same
// key but for the principal, which keeps its session. Session names are often
// e-mail addresses, and AgentCore makes one for every session of an agent; so the
// book never has them, and who wants the grain says so in Rollup.Sessions.

// SplitSession cuts the session name off the principal of an assumed role. The
// first part is what [Role] returns; ok is false where there is no session.
func SplitSession(principal string) (role, session string, ok bool) {
	role = Role(principal)
	if len(role)+1 >= len(principal) {
		return role, "", false
	}
	return role, principal[len(role)+1:], true
}

// HashSession returns what stands for a session name where names must not be
// kept: its HMAC-SHA-256 under a key, which tells sessions apart and says nothing
// of them to who has no key.
func HashSession(key []byte, session string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(session))
	return HashedSession + hex.EncodeToString(h.Sum(nil))
}

// HashedSession begins every name that HashSession makes.
const HashedSession = "hmac-sha256."

// minSessionKey is the shortest key that names are hashed with: a shorter one is
// found by trying.
const minSessionKey = 16

// SessionsOf names what is done with session names, as it stands in [Spec]: "plain"
// without a key, else how they are hashed, which identifies the key and does not
// tell it.
func SessionsOf(key []byte) string {
	if len(key) == 0 {
		return "plain"
	}
	return "hmac-sha256 " + HashSession(key, "spendclaim session key")[len(HashedSession):][:16]
}

// sessions is the entry of the spec.
func (r *Rollup) sessions() string {
	if !r.Sessions {
		return ""
	}
	return SessionsOf(r.SessionKey)
}

func (r *Rollup) checkSessions() error {
	switch n := len(r.SessionKey); {
	case n > 0 && !r.Sessions:
		return fmt.Errorf("cur: rollup: a key for session names that are not kept")
	case n > 0 && n < minSessionKey:
		return fmt.Errorf("cur: rollup: key for session names of %d bytes, at least %d", n, minSessionKey)
	}
	return nil
}

// principal returns the principal that a row's key has.
func (r *Rollup) principal(p string) string {
	if !r.Sessions {
		return Role(p)
	}
	role, session, ok := SplitSession(p)
	if !ok {
		return role
	}
	if len(r.SessionKey) > 0 {
		return role + "/" + HashSession(r.SessionKey, session)
	}
	return strings.Clone(p)
}
