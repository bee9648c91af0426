package attribution

import "github.com/spendclaim/spendclaim/cur"

// OneByOne returns the statement with its sums made anew, each group assigned and
// booked by itself.
func (s *Statement) OneByOne() (*Statement, error) {
	slow := *s
	slow.tally = newTally(s.m)
	slow.tally.ix = s.ix
	as := s.ix.Assigner()
	for i := range s.p.Len() {
		k := s.p.Key(i)
		if k.Currency != s.Currency {
			continue
		}
		for _, p := range as.pieces(nil, s.g, i, k) {
			slow.tally.group(k, k.Bucket, &p.sums, &p.Assignment)
		}
	}
	for r := range s.p.Rest() {
		slow.tally.rest(&r)
	}
	return &slow, slow.tally.split(false)
}

// AssignExplained assigns a group as explanations do: nothing is left out.
func (ix *Index) AssignExplained(k *cur.Key) Assignment {
	as := Assigner{ix: ix, explain: true}
	return as.Assign(k)
}
