package cur

import "bytes"

// This file numbers what differs from row to row of a line: who is billed, when, and
// the columns that a rollup declares. Each is worked out once for the texts that it
// is made of, as far as they are remembered.

// textAnchor is who was billed for rows of one resource, or without one of one role.
type textAnchor struct {
	resource           bool // there is one
	account, principal []byte
	assumed            bool   // sessions of the principal are no part of it
	id                 uint32 // of the worker's chain of anchors
}

// timeBucket is the bucket of rows with an interval, or where that is blank with a
// usage start, for the usage times that came with it last.
type timeBucket struct {
	interval   bool // there is one
	start, end []byte
	bucket     uint32
}

// anchor numbers who is billed.
func (t *textFile) anchor(l *textLine) uint32 {
	var cells [3][]byte
	for i, f := range [...]int{fieldAccount, fieldPrincipal, fieldResource} {
		if col := t.row.text[f]; col >= 0 {
			cells[i] = t.cell(l, col)
		}
	}
	account, principal, resource := cells[0], cells[1], cells[2]
	first := resource
	if len(first) == 0 {
		if !t.w.run.Sessions {
			principal = roleOf(principal)
		}
		first = principal
	}
	if t.who.full() {
		t.who.forget()
		t.anchors = t.anchors[:0]
	}
	n := t.who.of(first)
	if int(n) == len(t.anchors) {
		t.anchors = append(t.anchors, textAnchor{})
	} else if a := &t.anchors[n]; a.resource == (len(resource) > 0) && string(a.account) == string(account) && a.is(principal) {
		return a.id
	}
	assumed := false
	if !t.w.run.Sessions {
		role := roleOf(principal)
		assumed = bytes.Contains(role, []byte(assumedRole))
		principal = role
	}
	d := t.w.dicts
	at := d[fieldAccount].of(account)
	for i, f := range anchorFields {
		id := uint32(0)
		switch {
		case f == fieldResource:
			id = d[f].of(resource)
		case t.w.run.Sessions:
			id = d[f].id(t.w.run.principal(string(principal)))
		default:
			id = d[f].of(principal)
		}
		at = t.w.anchors.pairings[i].one(at, id)
	}
	a := &t.anchors[n]
	a.resource, a.assumed, a.id = len(resource) > 0, assumed, at
	a.account, a.principal = append(a.account[:0], account...), append(a.principal[:0], principal...)
	return at
}

// is reports whether a principal is that of the anchor, in whatever session.
func (a *textAnchor) is(principal []byte) bool {
	n := len(a.principal)
	return len(principal) >= n && string(principal[:n]) == string(a.principal) &&
		(len(principal) == n || a.assumed && principal[n] == '/')
}

// bucket returns the number of the row's bucket of time.
func (t *textFile) bucket(l *textLine) (uint32, error) {
	var cells [3][]byte
	for i, col := range [...]int{t.row.interval, t.row.start, t.row.end} {
		if col >= 0 {
			cells[i] = t.cell(l, col)
		}
	}
	interval, start, end := cells[0], cells[1], cells[2]
	first := interval
	if len(first) == 0 {
		first = start
	}
	if t.times.full() {
		t.times.forget()
		t.buckets = t.buckets[:0]
	}
	n := t.times.of(first)
	if int(n) == len(t.buckets) {
		t.buckets = append(t.buckets, timeBucket{})
	} else if b := &t.buckets[n]; b.interval == (len(interval) > 0) && string(b.start) == string(start) && string(b.end) == string(end) {
		return b.bucket, nil
	}
	if col := t.row.period; col >= 0 {
		t.place(l, col)
	}
	var li LineItem
	if err := t.row.times(&li); err != nil {
		return 0, err
	}
	at := bucketOf(&li, t.w.run.Bucket)
	if at == (Bucket{}) {
		return 0, errDecline
	}
	b := &t.buckets[n]
	b.interval, b.bucket = len(interval) > 0, t.w.bucketSlots.id(uint32(at.Start/3600)<<2|uint32(at.Span))
	b.start, b.end = append(b.start[:0], start...), append(b.end[:0], end...)
	return b.bucket, nil
}

// declared numbers the texts of the declared columns.
func (t *textFile) declared(l *textLine, b *textBlock, i int) error {
	ids := b.declared
	if len(ids) == 0 {
		return nil
	}
	other := t.headWays
	for k := range t.other {
		other = other || !t.placed && t.kinds[t.other[k].col]&cellOfWay != 0
	}
	if !other && l.waysAt {
		for k := range ids {
			ids[k][i] = l.ways[k]
		}
		return nil
	}
	for _, col := range t.ways {
		t.place(l, col)
	}
	for k, c := range t.w.run.spec.Columns {
		v := ""
		if f := fieldOf(c); f < 0 {
			v, _ = t.row.column(c)
		} else if col := t.row.text[f]; col >= 0 {
			var err error
			if v, err = t.d.text(col); err != nil {
				return err
			}
		}
		if t.row.err != nil {
			return t.row.err
		}
		ids[k][i] = t.w.dicts[numTextFields+k].id(v)
	}
	if !other || t.placed && !t.headWays {
		l.ways, l.waysAt = l.ways[:0], true
		for k := range ids {
			l.ways = append(l.ways, ids[k][i])
		}
	}
	return nil
}

const assumedRole = ":assumed-role/"

// roleOf is [Role] for a cell.
func roleOf(principal []byte) []byte {
	i := bytes.Index(principal, []byte(assumedRole))
	if i < 0 {
		return principal
	}
	i += len(assumedRole)
	if j := bytes.IndexByte(principal[i:], '/'); j >= 0 {
		return principal[:i+j]
	}
	return principal
}
