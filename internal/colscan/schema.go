package colscan

import "math/bits"

// maxSchemaDepth bounds the nesting of columns; a map is three deep.
const maxSchemaDepth = 64

// maxDecimalBytes bounds the width of a decimal: 64 bytes are 153 digits.
const maxDecimalBytes = 64

// shape says how the leaves of a column make up its value.
type shape uint8

const (
	shapeOther  shape = iota
	shapeFlat         // one leaf, one value to a row
	shapeMap          // a key leaf and a value leaf, repeated
	shapeStruct       // several leaves, one value of each to a row
)

// column is a Column and how it is stored.
type column struct {
	Column
	shape    shape
	outerDef uint32 // definition level from which on the column is not null
	leaves   []leafSpec
}

// leafSpec describes a leaf.
type leafSpec struct {
	index    int // among all leaves of the file
	name     string
	phys     int32
	length   int // bytes of a physFixed value
	kind     Kind
	unit     int16 // of a timestamp: 0 days, 1 millis, 2 micros, 3 nanos
	scale    int32 // of a decimal
	unsigned bool
	maxDef   uint32
	maxRep   uint32
}

func (s *leafSpec) defWidth() uint { return uint(bits.Len32(s.maxDef)) }

// textual reports whether values are bytes, and not numbers of 64 bits.
func (s *leafSpec) textual() bool {
	return s.phys == physBytes || s.phys == physFixed || s.phys == physInt96
}

// width returns the bytes of a plainly encoded value, 0 when it varies.
func (s *leafSpec) width() int {
	switch s.phys {
	case physInt32, physFloat:
		return 4
	case physInt64, physDouble:
		return 8
	case physInt96:
		return 12
	case physFixed:
		return s.length
	}
	return 0
}

// node is the schema as a tree.
type node struct {
	element
	children []node
	leaf     int // index among the leaves, -1 for groups
}

type treeBuilder struct {
	rest   []element
	leaves []element
}

func (b *treeBuilder) take(depth int) (node, error) {
	if len(b.rest) == 0 {
		return node{}, corrupt("schema ends inside a group")
	}
	if depth > maxSchemaDepth {
		return node{}, corrupt("schema nested too deeply")
	}
	n := node{element: b.rest[0], leaf: -1}
	b.rest = b.rest[1:]
	switch {
	case n.phys == physMissing:
		if n.element.children < 0 || int(n.element.children) > len(b.rest) {
			return node{}, corrupt("schema group %q of %d fields", n.name, n.element.children)
		}
		for range n.element.children {
			child, err := b.take(depth + 1)
			if err != nil {
				return node{}, err
			}
			n.children = append(n.children, child)
		}
	case n.phys < physBool || n.phys > physFixed || n.element.children > 0:
		return node{}, corrupt("schema field %q of type %d", n.name, n.phys)
	case n.phys == physFixed && n.length <= 0:
		return node{}, corrupt("schema field %q of %d bytes", n.name, n.length)
	default:
		n.leaf = len(b.leaves)
		b.leaves = append(b.leaves, n.element)
	}
	if r := n.repetition; depth > 0 && (r < repRequired || r > repRepeated) {
		return node{}, corrupt("schema field %q of repetition %d", n.name, r)
	}
	return n, nil
}

// columnsOf turns the footer's schema into columns and leaves.
func columnsOf(elements []element) (columns []column, leaves []element, err error) {
	b := treeBuilder{rest: elements}
	root, err := b.take(0)
	if err != nil {
		return nil, nil, err
	}
	if len(b.rest) > 0 || root.leaf >= 0 {
		return nil, nil, corrupt("schema of %d elements is not one tree", len(elements))
	}
	for _, n := range root.children {
		columns = append(columns, columnOf(n))
	}
	return columns, b.leaves, nil
}

func columnOf(n node) column {
	c := column{Column: Column{Name: n.name, Optional: n.repetition == repOptional}}
	if c.Optional {
		c.outerDef = 1
	}
	switch {
	case n.repetition == repRepeated:
	case n.leaf >= 0:
		l := leafOf(n, 0, 0)
		c.shape, c.Kind, c.leaves = shapeFlat, l.kind, []leafSpec{l}
	case len(n.children) == 1 && n.children[0].repetition == repRepeated:
		// A map under whatever names: its one field is a repeated group of two
		// plain fields. key_value, map, bag and entries are all in use.
		entry := n.children[0]
		if len(entry.children) != 2 || !plain(entry.children) {
			break
		}
		def := c.outerDef + 1
		key, value := leafOf(entry.children[0], def, 1), leafOf(entry.children[1], def, 1)
		c.shape, c.Kind, c.leaves = shapeMap, Map, []leafSpec{key, value}
		if value.kind == Double {
			c.Kind = DoubleMap
		}
	case len(n.children) > 0 && plain(n.children):
		c.shape, c.Kind = shapeStruct, Map
		for _, child := range n.children {
			c.leaves = append(c.leaves, leafOf(child, c.outerDef, 0))
		}
	}
	if c.Kind == Other {
		c.shape = shapeOther
	}
	return c
}

// plain reports whether all nodes are leaves with one readable value.
func plain(nodes []node) bool {
	for _, n := range nodes {
		if n.leaf < 0 || n.repetition == repRepeated || leafOf(n, 0, 0).kind == Other {
			return false
		}
	}
	return true
}

// leafOf describes leaf n inside a group at the given levels.
func leafOf(n node, def, rep uint32) leafSpec {
	if n.repetition == repOptional {
		def++
	}
	l := leafSpec{index: n.leaf, name: n.name, phys: n.phys, length: int(n.length), maxDef: def, maxRep: rep}
	if n.logical.id == logicalDecimal || n.converted == convertedDecimal {
		l.scale = n.element.scale
		if n.logical.id == logicalDecimal {
			l.scale = n.logical.scale
		}
		switch n.phys {
		case physInt32, physInt64, physBytes, physFixed:
			// A wider or stranger decimal stays Other.
			if l.scale >= 0 && l.scale <= 100 && l.length <= maxDecimalBytes {
				l.kind = Decimal
			}
		}
		return l
	}
	switch n.phys {
	case physBool:
		l.kind = Bool
	case physInt96:
		l.kind, l.unit = Timestamp, 3
	case physFloat, physDouble:
		l.kind = Double
	case physBytes:
		l.kind = String
	case physInt32:
		switch {
		case n.logical.id == logicalDate || n.converted == convertedDate:
			l.kind = Timestamp
		case n.logical.id == logicalTime || n.converted == convertedTimeMillis:
		default:
			l.kind = Int64
		}
	case physInt64:
		switch {
		case n.logical.id == logicalTimestamp:
			if u := n.logical.unit; u >= 1 && u <= 3 {
				l.kind, l.unit = Timestamp, u
			}
		case n.converted == convertedTimestampMillis:
			l.kind, l.unit = Timestamp, 1
		case n.converted == convertedTimestampMicros:
			l.kind, l.unit = Timestamp, 2
		case n.logical.id == logicalTime || n.converted == convertedTimeMicros:
		default:
			l.kind = Int64
		}
	}
	if l.kind == Int64 {
		l.unsigned = n.logical.id == logicalInteger && n.logical.unsigned ||
			n.converted >= convertedUint8 && n.converted <= convertedUint64
	}
	return l
}

// Converted types, the older annotation.
const (
	convertedDecimal         = 5
	convertedDate            = 6
	convertedTimeMillis      = 7
	convertedTimeMicros      = 8
	convertedTimestampMillis = 9
	convertedTimestampMicros = 10
	convertedUint8           = 11
	convertedUint64          = 14
)
