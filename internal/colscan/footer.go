package colscan

import "fmt"

// Physical types, repetitions, converted types and codecs, by their numbers in
// the format.
const (
	physBool    = 0
	physInt32   = 1
	physInt64   = 2
	physInt96   = 3
	physFloat   = 4
	physDouble  = 5
	physBytes   = 6
	physFixed   = 7
	physMissing = -1

	repRequired = 0
	repOptional = 1
	repRepeated = 2
)

// element is one node of the schema, as the footer lists them in preorder.
type element struct {
	name       string
	phys       int32 // physMissing for groups
	length     int32 // of physFixed
	repetition int32
	children   int32
	converted  int32 // -1 when absent
	scale      int32
	logical    logical
}

// logical is the newer annotation of an element; id is 0 when absent.
type logical struct {
	id       int16
	scale    int32
	unit     int16 // 1 millis, 2 micros, 3 nanos
	unsigned bool
}

const (
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
)

// chunk is where a leaf's values of one row group lie.
type chunk struct {
	phys      int32
	codec     int32
	dataPage  int64
	dictPage  int64 // 0 when absent, also when a dictionary exists
	size      int64 // of all pages, compressed
	external  bool  // in another file
	encrypted bool
	present   bool
}

type rowGroup struct {
	rows   int64
	chunks []chunk
}

// maxElements bounds the schema. The widest cost reports, with a column for
// each tag, have some thousands.
const maxElements = 1 << 16

type keyValue struct{ key, value string }

type footer struct {
	elements []element
	rows     int64
	groups   []rowGroup
	meta     []keyValue
}

// parseFooter decodes the file metadata. It keeps what reading needs, one
// element at a time as the bytes yield it, and insists on the fields without
// which an element means nothing, so its memory is in proportion to the
// footer.
func parseFooter(b []byte) (footer, error) {
	f := footer{rows: -1}
	t := &thrift{b: b}
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			break
		}
		switch id {
		case 2:
			n, elem := t.list(typ)
			if n > maxElements {
				t.fail(corrupt("schema of %d elements", n))
			}
			for i := 0; i < n && t.isStruct(elem); i++ {
				f.elements = append(f.elements, parseElement(t))
			}
		case 3:
			f.rows = t.int(typ)
		case 4:
			n, elem := t.list(typ)
			for i := 0; i < n && t.isStruct(elem); i++ {
				f.groups = append(f.groups, parseRowGroup(t))
			}
		case 5:
			n, elem := t.list(typ)
			for i := 0; i < n && t.isStruct(elem); i++ {
				f.meta = append(f.meta, parseKeyValue(t))
			}
		case 8:
			t.fail(corrupt("file is encrypted"))
		default:
			t.skip(typ)
		}
	}
	switch {
	case t.err == errThriftShort:
		return footer{}, corrupt("footer: %v", t.err)
	case t.err != nil:
		return footer{}, fmt.Errorf("footer, byte %d of %d: %w", t.pos, len(b), t.err)
	}
	return f, nil
}

func parseElement(t *thrift) element {
	e := element{phys: physMissing, converted: -1}
	named := false
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			if !named {
				t.fail(corrupt("schema element without a name"))
			}
			return e
		}
		switch id {
		case 1:
			e.phys = t.int32(typ)
		case 2:
			e.length = t.int32(typ)
		case 3:
			e.repetition = t.int32(typ)
		case 4:
			e.name, named = t.text(typ), true
		case 5:
			e.children = t.int32(typ)
		case 6:
			e.converted = t.int32(typ)
		case 7:
			e.scale = t.int32(typ)
		case 10:
			if t.isStruct(typ) {
				e.logical = parseLogical(t)
			}
		default:
			t.skip(typ)
		}
	}
}

// parseLogical decodes a union: a structure with one field, whose id says
// which type it is.
func parseLogical(t *thrift) (l logical) {
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			return l
		}
		l.id = id
		if !t.isStruct(typ) {
			return l
		}
		var last int16
		for {
			field, typ, ok := t.field(&last)
			if !ok {
				break
			}
			switch {
			case id == logicalDecimal && field == 1:
				l.scale = t.int32(typ)
			case id == logicalTimestamp && field == 2 && t.isStruct(typ):
				l.unit = parseUnit(t)
			case id == logicalInteger && field == 2:
				l.unsigned = typ == thriftFalse
				t.skip(typ)
			default:
				t.skip(typ)
			}
		}
	}
}

func parseUnit(t *thrift) (unit int16) {
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			return unit
		}
		unit = id
		t.skip(typ)
	}
}

func parseRowGroup(t *thrift) rowGroup {
	g := rowGroup{rows: -1}
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			if g.rows < 0 {
				t.fail(corrupt("row group of %d rows", g.rows))
			}
			return g
		}
		switch id {
		case 1:
			n, elem := t.list(typ)
			for i := 0; i < n && t.isStruct(elem); i++ {
				g.chunks = append(g.chunks, parseChunk(t))
			}
		case 3:
			g.rows = t.int(typ)
		default:
			t.skip(typ)
		}
	}
}

func parseChunk(t *thrift) (c chunk) {
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			if !c.present && !c.encrypted {
				t.fail(corrupt("column chunk without metadata"))
			}
			return c
		}
		switch id {
		case 1:
			c.external = t.text(typ) != ""
		case 3:
			if t.isStruct(typ) {
				parseChunkMeta(t, &c)
			}
		case 8, 9:
			c.encrypted = true
			t.skip(typ)
		default:
			t.skip(typ)
		}
	}
}

func parseChunkMeta(t *thrift, c *chunk) {
	c.present = true
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			return
		}
		switch id {
		case 1:
			c.phys = t.int32(typ)
		case 4:
			c.codec = t.int32(typ)
		case 7:
			c.size = t.int(typ)
		case 9:
			c.dataPage = t.int(typ)
		case 11:
			c.dictPage = t.int(typ)
		default:
			t.skip(typ)
		}
	}
}

func parseKeyValue(t *thrift) (kv keyValue) {
	var last int16
	for {
		id, typ, ok := t.field(&last)
		if !ok {
			if kv.key == "" {
				t.fail(corrupt("metadata without a key"))
			}
			return kv
		}
		switch id {
		case 1:
			kv.key = t.text(typ)
		case 2:
			kv.value = t.text(typ)
		default:
			t.skip(typ)
		}
	}
}

// start returns the offset of the chunk's first page. Writers that leave the
// dictionary's offset out, as AWS does, let the data offset point at the
// dictionary page.
func (c *chunk) start() int64 {
	if c.dictPage > 0 && c.dictPage < c.dataPage {
		return c.dictPage
	}
	return c.dataPage
}
