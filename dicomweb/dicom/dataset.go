package dicom

import "iter"

// DataSet is a data set as a flat list in the order of the file: an element,
// then all that it holds, then the next one. Next leaps over what an element
// holds. Elements of the file meta information (group 0002) come first.
type DataSet struct {
	Elements []Element
	data     []byte
	charsets []*Charset
	// unordered is set where tags do not ascend or repeat somewhere.
	unordered bool
}

// Element is one element, or one item of a sequence (Tag is ItemTag).
type Element struct {
	Tag     Tag
	VR      VR
	charset uint8
	little  bool
	kept    bool  // the value is in data[lo:hi]
	Next    int32 // index behind this element and all it holds
	lo, hi  uint32
	Offset  int64 // of the value in the file, or in the inflated data set
	Length  int64 // of the value; Undefined where a delimiter ends it
}

// Kept tells whether the value was read; a longer one keeps its place only.
func (e *Element) Kept() bool { return e.kept }

// Bytes are the bytes of a value that was kept.
func (d *DataSet) Bytes(e *Element) []byte { return d.data[e.lo:e.hi] }

// Children yields the elements of the item at index i, the items of the sequence
// at i, or with i = -1 the elements of the data set itself.
func (d *DataSet) Children(i int) iter.Seq2[int, *Element] {
	return func(yield func(int, *Element) bool) {
		end := int32(len(d.Elements))
		if i >= 0 {
			end = d.Elements[i].Next
		}
		for c := int32(i + 1); c < end; c = d.Elements[c].Next {
			if !yield(int(c), &d.Elements[c]) {
				return
			}
		}
	}
}

// Find returns the first element with the tag in the item at index i (-1: the
// data set itself) and its index, or nil.
func (d *DataSet) Find(i int, t Tag) (*Element, int) {
	for c, e := range d.Children(i) {
		if e.Tag == t {
			return e, c
		}
	}
	return nil, 0
}

// Repeated lists tags that occur more than once in the data set itself with
// values that differ, or are too long to compare; other readers may see another
// one of them.
func (d *DataSet) Repeated() []Tag {
	if !d.unordered {
		return nil
	}
	var tags []Tag
	seen := map[Tag]string{}
	for _, e := range d.Children(-1) {
		value, ok := seen[e.Tag]
		if !ok {
			seen[e.Tag] = string(d.Bytes(e))
		} else if !e.kept || value != string(d.Bytes(e)) {
			tags = append(tags, e.Tag)
		}
	}
	return tags
}

func (d *DataSet) reset() {
	d.Elements, d.data, d.unordered = d.Elements[:0], d.data[:0], false
	d.charsets = append(d.charsets[:0], defaultCharset)
}

// Charset is the character set of the data set itself.
func (d *DataSet) Charset() *Charset {
	if e, _ := d.Find(-1, CharacterSet); e != nil {
		return ParseCharset(d.Texts(e))
	}
	return defaultCharset
}
