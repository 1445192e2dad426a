package validate

// table finds a property by its name: open addressing, at most a quarter full,
// with a hash that reads four bytes. Its names come from the definitions, never
// from a document, so it needs no secret.
type table struct {
	slots []*property
	mask  uint32
}

func newTable(list []*property) table {
	size := uint32(16)
	for size < uint32(4*len(list)) {
		size *= 2
	}
	t := table{make([]*property, size), size - 1}
	for _, p := range list {
		at := hash(p.name) & t.mask
		for t.slots[at] != nil {
			at = (at + 1) & t.mask
		}
		t.slots[at] = p
	}
	return t
}

func (t *table) find(name string) *property {
	if name == "" {
		return nil
	}
	for at := hash(name) & t.mask; ; at = (at + 1) & t.mask {
		p := t.slots[at]
		if p == nil || p.name == name {
			return p
		}
	}
}

func hash(name string) uint32 {
	n := len(name)
	h := uint32(n)*0x9E3779B1 + uint32(name[0])*0x85EBCA6B + uint32(name[n-1])*0xC2B2AE35 +
		uint32(name[n/2])*0x27D4EB2F + uint32(name[n/3])*0x165667B1
	return h ^ h>>15
}
