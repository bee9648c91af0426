package governance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spendclaim/spendclaim/storage"
)

// schema is that of all records of this package.
const schema = 1

// recordKind is the storage kind of a subject's record, and kindOfRecord its inverse.
func recordKind(k Kind) string { return "governance." + string(k) }

// Audited reports whether records of a storage kind have a log, for
// storage.Options: subjects do, lists do not. Of kinds of other packages it says
// what known says, and false where known is nil.
func Audited(known func(kind string) bool) func(kind string) bool {
	subjects := map[string]bool{}
	for _, k := range Kinds() {
		subjects[recordKind(k)] = true
	}
	return func(kind string) bool { return subjects[kind] || known != nil && known(kind) }
}

// key returns where a subject lies: in its workload's partition, or, where it has
// none, in one of its own. Anchors share 256 partitions, so that all of them can
// be listed without a list.
func (r Ref) key() storage.Key {
	switch {
	case r.Kind == KindWorkload:
		return storage.Key{Partition: "gov/workload/" + string(r.Workload), Sort: string(KindWorkload)}
	case r.Workload != "":
		return storage.Key{Partition: "gov/workload/" + string(r.Workload), Sort: string(r.Kind) + "/" + r.ID}
	case r.Kind == KindAnchor:
		return storage.Key{Partition: anchorPartition(r.ID), Sort: r.ID}
	}
	return storage.Key{Partition: "gov/" + string(r.Kind) + "/" + r.ID, Sort: string(r.Kind)}
}

// check refuses references that name nothing.
func (r Ref) check() error {
	if rulesOf(r.Kind) == nil {
		return fmt.Errorf("%w: no kind %q", ErrUnknownSubject, r.Kind)
	}
	if r.Workload != "" || r.Kind == KindWorkload {
		if err := checkID("workload", string(r.Workload)); err != nil {
			return fmt.Errorf("%w: %w", ErrUnknownSubject, err)
		}
	}
	if r.ID != "" || r.Kind != KindWorkload {
		if err := checkID("id", r.ID); err != nil {
			return fmt.Errorf("%w: %w", ErrUnknownSubject, err)
		}
	}
	return nil
}

// stored is the data of a subject's record. Its version is that of the record.
type stored struct {
	Ref   Ref                 `json:"ref"`
	State State               `json:"state"`
	Since time.Time           `json:"since"`
	Parts map[Part][]PersonID `json:"parts,omitempty"`
	Body  json.RawMessage     `json:"body"`
}

// encode returns the data of a subject's record. It is a function of the subject
// alone, so that a replayed history can be compared with it byte for byte.
func (s *Subject) encode() ([]byte, error) {
	body, err := json.Marshal(s.Body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(stored{s.Ref, s.State, s.Since, s.Parts, body})
}

// decodeSubject opens a record.
func decodeSubject(r *storage.Record) (*Subject, error) {
	if r.Schema > schema {
		return nil, fmt.Errorf("%s: %w: schema %d", r.Key, storage.ErrNewer, r.Schema)
	}
	var in stored
	if err := json.Unmarshal(r.Data, &in); err != nil {
		return nil, damaged(r, err)
	}
	rules := rulesOf(in.Ref.Kind)
	if rules == nil {
		return nil, fmt.Errorf("%s: %w: kind %q", r.Key, storage.ErrNewer, in.Ref.Kind)
	}
	s := &Subject{Ref: in.Ref, State: in.State, Version: r.Stamp.Version, Since: in.Since, Parts: in.Parts, Body: rules.body()}
	if err := json.Unmarshal(in.Body, s.Body); err != nil {
		return nil, damaged(r, err)
	}
	return s, nil
}

func damaged(r *storage.Record, err error) error {
	return &storage.CorruptError{Key: r.Key, Version: r.Stamp.Version, Reason: "not a record of governance", Err: err, Remedy: "restore it from an export"}
}

// digest identifies a command: everything but the version expected, which a
// repetition may have seen move.
func (c *Command) digest() ([32]byte, error) {
	detail, err := json.Marshal(c.Detail)
	if err != nil {
		return [32]byte{}, fmt.Errorf("%w: %w", ErrDetail, err)
	}
	b, err := json.Marshal(struct {
		Actor     PersonID
		Subject   Ref
		Action    Action
		Role      Role
		Rationale string
		Detail    json.RawMessage
	}{c.Actor, c.Subject, c.Action, c.Role, c.Rationale, detail})
	return sha256.Sum256(b), err
}

// short returns a digest of a text that serves as an id.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
