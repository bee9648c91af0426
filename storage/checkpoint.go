package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Checkpoint holds the stamps of all audited records at one instant. Its text
// form is stable, so that two of them can be compared by eye; a small file kept
// elsewhere is enough to notice a rewritten history. The zero value is empty.
type Checkpoint struct {
	heads []head // in canonical order
}

type head struct {
	key   Key
	stamp Stamp
}

// Len returns the number of records.
func (c *Checkpoint) Len() int { return len(c.heads) }

// stamp returns what the checkpoint has for a record. A nil checkpoint has nothing.
func (c *Checkpoint) stamp(k Key) (Stamp, bool) {
	if c == nil {
		return Stamp{}, false
	}
	want := identity{key: k}
	i, ok := slices.BinarySearchFunc(c.heads, &want, func(h head, want *identity) int {
		return (&identity{key: h.key}).order(want)
	})
	if !ok {
		return Stamp{}, false
	}
	return c.heads[i].stamp, true
}

const (
	checkpointTitle  = "spendclaim checkpoint "
	checkpointFormat = 1
)

// MarshalText implements encoding.TextMarshaler: a title with the format's number,
// a line for each record (version, head, quoted partition, quoted sort key), and the
// SHA-256 of all that.
func (c Checkpoint) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%d\n", checkpointTitle, checkpointFormat)
	for _, h := range c.heads {
		fmt.Fprintf(&b, "%d %x %q %q\n", h.stamp.Version, h.stamp.Head, h.key.Partition, h.key.Sort)
	}
	fmt.Fprintf(&b, "sha256 %x\n", sha256.Sum256(b.Bytes()))
	return b.Bytes(), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. Errors match ErrCorrupt or
// ErrNewer.
func (c *Checkpoint) UnmarshalText(b []byte) error {
	bad := func(line int, reason string) error {
		return fmt.Errorf("storage: checkpoint line %d: %w", line, &CorruptError{Reason: reason, Remedy: "use another copy of it"})
	}
	title, _, _ := bytes.Cut(b, []byte("\n"))
	if err := checkTitle(string(title), checkpointTitle, checkpointFormat); err != nil {
		return fmt.Errorf("storage: checkpoint: %w", err)
	}
	body, sum, found := cutLast(b)
	if want := fmt.Sprintf("sha256 %x", sha256.Sum256(body)); !found || string(sum) != want {
		return bad(1+bytes.Count(body, []byte("\n")), "digest does not match: the text was changed or cut")
	}
	var heads []head
	for i, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		if i == 0 {
			continue
		}
		h, ok := parseHead(line)
		if !ok {
			return bad(i+1, "not a version, a head and a key")
		}
		if n := len(heads); n > 0 && (&identity{key: heads[n-1].key}).order(&identity{key: h.key}) >= 0 {
			return bad(i+1, "records are not in order")
		}
		heads = append(heads, h)
	}
	c.heads = heads
	return nil
}

// cutLast cuts the last line off, without its line feed.
func cutLast(b []byte) (before, last []byte, ok bool) {
	b, ok = bytes.CutSuffix(b, []byte("\n"))
	i := bytes.LastIndexByte(b, '\n')
	return b[:i+1], b[i+1:], ok && i >= 0
}

func parseHead(line string) (h head, ok bool) {
	version, rest, _ := strings.Cut(line, " ")
	sum, rest, _ := strings.Cut(rest, " ")
	var err error
	if h.stamp.Version, err = strconv.ParseUint(version, 10, 64); err != nil || h.stamp.Version == 0 {
		return h, false
	}
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != len(h.stamp.Head) {
		return h, false
	}
	h.stamp.Head = [32]byte(raw)
	for i, half := range []*string{&h.key.Partition, &h.key.Sort} {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil || quoted[0] != '"' {
			return h, false
		}
		if *half, err = strconv.Unquote(quoted); err != nil {
			return h, false
		}
		if rest = rest[len(quoted):]; i == 0 {
			if rest, ok = strings.CutPrefix(rest, " "); !ok {
				return h, false
			}
		}
	}
	return h, rest == ""
}

// checkTitle reads the first line of a file of this package.
func checkTitle(line, title string, known int) error {
	number, ok := strings.CutPrefix(line, title)
	format, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil || format < 1:
		return &CorruptError{Reason: fmt.Sprintf("it does not begin with %q and a number", title), Remedy: "use another copy of it"}
	case format > known:
		return fmt.Errorf("%w: format %d, this release knows %d", ErrNewer, format, known)
	}
	return nil
}
