package cur

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errMap = errors.New("not a map of a cost and usage report")

// parseMap reads a map column's JSON cell: one object of strings, numbers,
// booleans and nulls. Keys keep their spelling; a key that occurs twice is an
// error, for whichever value won, the other would be lost in silence. A null
// value is an absent key.
func parseMap(cell []byte) (map[string]string, error) {
	dec := json.NewDecoder(bytes.NewReader(cell))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errMap
	}
	m := make(map[string]string)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, errMap
		}
		key, ok := t.(string)
		if !ok {
			return nil, errMap
		}
		if t, err = dec.Token(); err != nil {
			return nil, errMap
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("key %q %w", cut(key), errTwice)
		}
		switch v := t.(type) {
		case string:
			m[key] = v
		case json.Number:
			m[key] = v.String()
		case bool:
			m[key] = fmt.Sprint(v)
		case nil:
		default:
			return nil, errMap
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errMap
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errMap
	}
	return m, nil
}

// mapCells remembers the map cells seen last: the product map of a report has
// few distinct cells, and parsing JSON costs more than all else in a row. What
// is remembered is bounded, whatever the cells are.
type mapCells struct {
	last *mapCell // a row asks for several keys of one cell
	seen map[string]*mapCell
	size int
}

type mapCell struct {
	text  string
	pairs map[string]string
}

const (
	maxMapCells     = 4096
	maxMapCellBytes = 1 << 20
)

func (c *mapCells) parse(cell []byte) (map[string]string, error) {
	if len(cell) == 0 || string(cell) == "{}" {
		return nil, nil
	}
	if c.last != nil && string(cell) == c.last.text {
		return c.last.pairs, nil
	}
	if m, ok := c.seen[string(cell)]; ok {
		c.last = m
		return m.pairs, nil
	}
	pairs, err := parseMap(cell)
	if err != nil {
		return nil, err
	}
	m := &mapCell{string(cell), pairs}
	c.last = m
	if len(cell) > maxText {
		return pairs, nil
	}
	if c.seen == nil || len(c.seen) == maxMapCells || c.size+len(cell) > maxMapCellBytes {
		c.seen, c.size = make(map[string]*mapCell), 0
	}
	c.seen[m.text] = m
	c.size += len(cell)
	return pairs, nil
}
