package dicomweb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// What an object was made of: a segmentation, a structure set, a model or a
// document names the images that it was drawn on, and the ImagingStudy says so at
// the series of the object, in the same unit:
//
//	series.extension urn:tenon:extension:derived
//	  kind      segmentation · surface · structure-set · model · document
//	  instance  the object (oid)
//	  label     names of its segments or regions
//	  of        study (Reference; a literal one where it is stored, for the same
//	            patient and in reach of who stores), series (oid), instances (number)
//
// R4 gives ImagingStudy no element for it; a Provenance would be a second truth
// beside the file. What is named but not stored here is told by its UIDs alone.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.12.2
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.8.8.5

const extensionDerived = "urn:tenon:extension:derived"

// Bounds of what one object may name.
const (
	maxSources = 64   // series
	maxLoose   = 512  // instances of which the series is looked up
	maxLabels  = 64   // segments or regions
	maxSourced = 1e5  // items that are looked at
	maxLabel   = 1024 // bytes
)

// derivation is what one object was made of.
type derivation struct {
	kind   string
	labels []string
	of     []*source
	loose  []string // instances that are named without their series
}

// source is a series that an object was made of.
type source struct {
	study, series string
	instances     int
}

// kindOf tells the kind of an object that is made of others, or "".
func kindOf(class string) string {
	switch class {
	case "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.66.8":
		return "segmentation"
	case "1.2.840.10008.5.1.4.1.1.66.5":
		return "surface"
	case "1.2.840.10008.5.1.4.1.1.481.3":
		return "structure-set"
	case classSTL, classOBJ, classMTL:
		return "model"
	case classPDF, classCDA:
		return "document"
	}
	return ""
}

// derivationOf reads what an object names, or gives nil.
func derivationOf(f *dicom.File) *derivation {
	d := &derivation{kind: kindOf(f.String(dicom.SOPClassUID))}
	if d.kind == "" {
		return nil
	}
	r := &naming{f: f, d: d}
	r.series(f.String(dicom.StudyInstanceUID), -1, 0x00081115, 0x0008114A)
	r.walk(-1, func(item int) {
		r.series(f.StringIn(item, dicom.StudyInstanceUID), item, 0x00081115, 0x0008114A, 0x00081199)
	}, 0x00081200)
	r.walk(-1, func(item int) { r.series(f.StringIn(item, 0x00081155), item, 0x30060014, 0x30060016) }, 0x30060010, 0x30060012)
	for _, path := range [][]dicom.Tag{{0x00420013}, {0x52009229, 0x00089124, 0x00082112}, {0x52009230, 0x00089124, 0x00082112}, {0x30060039, 0x30060040, 0x30060016}} {
		r.instances(path...)
	}
	for _, of := range [][2]dicom.Tag{{0x00620002, 0x00620005}, {0x30060020, 0x30060026}, {0x00660002, 0x00620005}} {
		r.walk(-1, func(item int) {
			if l := f.StringIn(item, of[1]); l != "" && len(l) <= maxLabel && len(d.labels) < maxLabels {
				d.labels = append(d.labels, l)
			}
		}, of[0])
	}
	return d
}

// naming reads what a file names, as far as maxSourced items.
type naming struct {
	f     *dicom.File
	d     *derivation
	items int
	seen  map[string]bool
}

// walk calls do with every item at the end of a path of sequences.
func (r *naming) walk(at int, do func(item int), path ...dicom.Tag) {
	if len(path) == 0 {
		do(at)
		return
	}
	e, seq := r.f.Find(at, path[0])
	if e == nil {
		return
	}
	for item := range r.f.Children(seq) {
		if r.items++; r.items > maxSourced {
			return
		}
		r.walk(item, do, path[1:]...)
	}
}

// series notes the series of a sequence, with the number of their instances.
func (r *naming) series(study string, at int, tag dicom.Tag, instances ...dicom.Tag) {
	r.walk(at, func(item int) {
		s := &source{study: study, series: r.f.StringIn(item, dicom.SeriesInstanceUID)}
		for _, t := range instances {
			r.walk(item, func(int) { s.instances++ }, t)
		}
		r.d.add(s)
	}, tag)
}

// instances notes, each once, those that are named without their series, where no
// series is.
func (r *naming) instances(path ...dicom.Tag) {
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	r.walk(-1, func(item int) {
		if uid := r.f.StringIn(item, 0x00081155); len(r.d.of) == 0 && len(r.d.loose) < maxLoose && validUID(uid) && !r.seen[uid] {
			r.seen[uid] = true
			r.d.loose = append(r.d.loose, uid)
		}
	}, path...)
}

// add notes a series once.
func (d *derivation) add(s *source) {
	if !validUID(s.study) || !validUID(s.series) {
		return
	}
	for _, o := range d.of {
		if o.series == s.series {
			o.instances += s.instances
			return
		}
	}
	if len(d.of) < maxSources {
		d.of = append(d.of, s)
	}
}

// derive finds the series of what is named by its instances alone, and which
// studies of the objects that arrive may be referred to.
func (u *unit) derive(id string) error {
	u.derived = map[string][]json.RawMessage{}
	refs := map[string]string{u.study.UID: "ImagingStudy/" + id}
	for _, a := range u.fresh {
		if a.made == nil {
			continue
		}
		if err := u.trace(a.made); err != nil {
			return err
		}
		for _, s := range a.made.of {
			if _, known := refs[s.study]; known {
				continue
			}
			there, err := u.in.door.o.Index.Standing(u.ctx, u.in.r.who.Reach(), s.study)
			if err != nil {
				return fmt.Errorf("dicomweb: index: %w", err)
			}
			if refs[s.study] = ""; there != nil && there.Patient == u.study.Patient {
				refs[s.study] = "ImagingStudy/" + there.Resource
			}
		}
		raw, err := marshal(a.made.extension(a.instance.UID, refs))
		if err != nil {
			return err
		}
		u.derived[a.series.UID] = append(u.derived[a.series.UID], raw)
	}
	return u.derivedBefore()
}

// trace finds the series of instances: they arrive in the same unit, or are
// stored and in reach.
func (u *unit) trace(d *derivation) error {
	if len(d.of) > 0 {
		return nil // named with their series, or found before
	}
	left := map[string]bool{}
	for _, uid := range d.loose {
		left[uid] = true
	}
	note := func(study, series, instance string) {
		if left[instance] {
			delete(left, instance)
			d.add(&source{study, series, 1})
		}
	}
	for _, a := range u.fresh {
		note(a.study.UID, a.series.UID, a.instance.UID)
	}
	if len(left) == 0 {
		return nil
	}
	q := &index.Query{Level: index.InstanceLevel, Limit: maxLoose, Matches: []index.Match{{Attribute: index.Lookup(dicom.SOPInstanceUID), Values: d.loose}}}
	page, err := u.in.door.o.Index.Search(u.ctx, u.in.r.who.ReachTo(access.Search), q)
	if err != nil {
		return fmt.Errorf("dicomweb: index: %w", err)
	}
	for i := range page.Results {
		r := &page.Results[i]
		note(r.Study.UID, r.Series.UID, r.Instance.UID)
	}
	return nil
}

// extension is the derivation as the series of the object tells it.
func (d *derivation) extension(instance string, refs map[string]string) object {
	list := []object{{"url": "kind", "valueCode": d.kind}, {"url": "instance", "valueOid": "urn:oid:" + instance}}
	for _, l := range d.labels {
		list = append(list, object{"url": "label", "valueString": l})
	}
	for _, s := range d.of {
		study := object{"type": "ImagingStudy", "identifier": object{"system": systemUID, "value": "urn:oid:" + s.study}}
		if ref := refs[s.study]; ref != "" {
			study["reference"] = ref
		}
		of := []object{{"url": "study", "valueReference": study}, {"url": "series", "valueOid": "urn:oid:" + s.series}}
		if s.instances > 0 {
			of = append(of, object{"url": "instances", "valueUnsignedInt": s.instances})
		}
		list = append(list, object{"url": "of", "extension": of})
	}
	return object{"url": extensionDerived, "extension": list}
}

// derivedBefore keeps the extensions of the series as they are stored, but for
// what is told of an object that is gone.
func (u *unit) derivedBefore() error {
	if u.before == nil || !bytes.Contains(u.before.Body, []byte(`"extension"`)) {
		return nil
	}
	var stored struct {
		Series []struct {
			UID       string
			Extension []json.RawMessage
		}
	}
	if err := json.Unmarshal(u.before.Body, &stored); err != nil {
		return fmt.Errorf("dicomweb: stored ImagingStudy: %w", err)
	}
	for _, s := range stored.Series {
		kept := slices.DeleteFunc(s.Extension, u.gone)
		u.derived[s.UID] = append(kept, u.derived[s.UID]...)
	}
	return nil
}

// gone tells whether an extension speaks of an object that the study has no more;
// of a study that is too long to be known whole nothing is taken away.
func (u *unit) gone(raw json.RawMessage) bool {
	var e struct {
		URL       string
		Extension []struct{ URL, ValueOid string }
	}
	if json.Unmarshal(raw, &e) != nil || e.URL != extensionDerived || value(u.study.Instances) > maxListed {
		return false
	}
	for _, x := range e.Extension {
		if uid := x.ValueOid; x.URL == "instance" && len(uid) > len("urn:oid:") {
			return !slices.ContainsFunc(u.held.Members, func(i index.Instance) bool { return i.UID == uid[len("urn:oid:"):] })
		}
	}
	return false
}
