package dimse

import (
	"context"
	"slices"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// Modality Worklist: C-FIND over the imaging orders.
// https://dicom.nema.org/medical/dicom/current/output/html/part04.html#chapter_K

// Worklist gives the scheduled procedure steps that a caller reaches, each with
// the attributes of PS3.4 table K.6-1 that it has a value for. An element without
// value is met by every key and told as it was asked for: the order leaves it open.
// The disclosure is audited before it returns.
type Worklist interface {
	Scheduled(ctx context.Context, who *access.Context) ([][]Element, error)
}

// worklist answers C-FIND of the worklist.
func (a *association) worklist(ctx context.Context, who *access.Context, m *message) error {
	f, err := readDataSet(m, m.context.Syntaxes[0])
	if m.err != nil {
		return m.err
	}
	if err != nil {
		return a.decline(ctx, m, &refusal{statusNoMatch, "the identifier cannot be read"})
	}
	keys := keysOf(f, -1)
	list, err := a.server.o.Worklist.Scheduled(ctx, who)
	if err != nil {
		return a.decline(ctx, m, err)
	}
	sent := 0
	for _, step := range list {
		answer, ok := meets(keys, step)
		if !ok {
			continue
		}
		if stop, err := m.cancelled(); err != nil || stop {
			return a.ended(m, err)
		}
		if sent++; sent > a.server.o.MaxMatches {
			return m.reply(&Command{Status: statusNoResources, Comment: "more matches than are answered at once; restrict the query"}, nil)
		}
		data := appendDataSet(nil, withCharset(answer), m.context.Syntaxes[0] == dicom.ImplicitLittleEndian)
		if err := m.reply(&Command{Status: statusPending}, data); err != nil {
			return err
		}
	}
	return m.reply(&Command{Status: statusSuccess}, nil)
}

// keysOf reads the keys of an item; a sequence has those of its first item.
func keysOf(f *dicom.File, at int) []Element {
	var keys []Element
	for i, e := range f.Children(at) {
		if e.Tag == dicom.CharacterSet || e.Tag.Element() == 0 || e.Tag.Group() < 8 {
			continue
		}
		k := Element{Tag: e.Tag}
		if e.VR == dicom.SQ {
			for item := range f.Children(i) {
				k.Items = [][]Element{keysOf(f, item)}
				break
			}
		} else if e.VR.Text() {
			k.Value = strings.Join(f.Texts(e), `\`)
		}
		keys = append(keys, k)
	}
	return keys
}

// meets tells whether a step meets all keys, and gives what is asked for of it.
func meets(keys, step []Element) (answer []Element, ok bool) {
	for _, k := range keys {
		d, known := dicom.Lookup(k.Tag)
		if !known {
			continue
		}
		i := slices.IndexFunc(step, func(e Element) bool { return e.Tag == k.Tag })
		have := Element{Tag: k.Tag}
		if i >= 0 {
			have = step[i]
		}
		switch {
		case d.VR == dicom.SQ && len(k.Items) > 0 && len(have.Items) > 0:
			inner, ok := meets(k.Items[0], have.Items[0])
			if !ok {
				return nil, false
			}
			have.Items = [][]Element{inner}
		case k.Value == "" || d.VR == dicom.SQ:
		case i >= 0 && have.Value == "": // left open
			have.Value = k.Value
		case !fits(d.VR, k.Value, have.Value):
			return nil, false
		}
		answer = append(answer, have)
	}
	return answer, true
}

// fits also matches one component group of a name.
func fits(vr dicom.VR, want, have string) bool {
	if index.Fits(vr, want, have, false) {
		return true
	}
	if vr != dicom.PN {
		for one := range strings.SplitSeq(have, `\`) { // one of several values
			if one != have && index.Fits(vr, want, one, false) {
				return true
			}
		}
		return false
	}
	for group := range strings.SplitSeq(have, "=") {
		if group != "" && index.Fits(vr, want, group, false) {
			return true
		}
	}
	return false
}
