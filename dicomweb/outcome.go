package dicomweb

import (
	"net/http"
	"strconv"

	"tenon/dicomweb/dicom"
	"tenon/server/record"
)

// The Store Instances Response Module.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_I.2

// answerStow tells the outcome of every instance.
func (d *Door) answerStow(w http.ResponseWriter, r *request, in *ingest) error {
	if err := d.auditRepeated(r, in); err != nil {
		return err
	}
	var stored, failed, unnamed []*arrival
	warned := false
	for _, a := range in.all {
		switch {
		case a.refused == nil:
			stored = append(stored, a)
			warned = warned || a.warning != ""
		case a.instance.UID == "":
			unnamed = append(unnamed, a)
		default:
			failed = append(failed, a)
		}
	}
	status := http.StatusOK
	switch {
	case len(stored) == 0:
		status = http.StatusConflict
	case len(failed)+len(unnamed) > 0 || warned:
		status = http.StatusAccepted
	}
	body, err := stowBody(r.base, stored, failed, unnamed), error(nil)
	w.Header().Set("Content-Type", dicomJSON)
	if in.form == xmlModel {
		w.Header().Set("Content-Type", dicomXML)
		body, err = dicom.AppendXML(nil, body)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(status)
	_, err = w.Write(body)
	return ignore(err)
}

// auditRepeated notes who was told that instances are stored already; what is
// stored anew is audited by its unit.
func (d *Door) auditRepeated(r *request, in *ingest) error {
	var rows []record.Audit
	seen := map[string]bool{}
	for _, a := range in.all {
		if a.repeated && !seen[a.study.UID] {
			seen[a.study.UID] = true
			rows = append(rows, d.auditRow(r, r.storing(), "ImagingStudy/"+a.study.Resource, a.study.Patient))
		}
	}
	if rows == nil {
		return nil
	}
	return d.o.Auditor.Audit(r.Context(), rows)
}

func stowBody(base string, stored, failed, unnamed []*arrival) []byte {
	var j objectWriter
	j.begin()
	if study := commonStudy(stored); study != "" {
		j.text(0x00081190, base+"/studies/"+study)
	}
	j.sequence(0x00081198, len(failed), func(i int) { failure(&j, failed[i]) })
	j.sequence(0x00081199, len(stored), func(i int) {
		a := stored[i]
		j.text(0x00081150, a.instance.SOPClass)
		j.text(0x00081155, a.instance.UID)
		if a.note == nil { // a note is kept, but not retrieved
			j.text(0x00081190, base+instancePath(a.key()))
		}
		if a.warning != "" {
			j.number(0x00081196, warningSuspicious)
			comment(&j, a.warning)
		}
	})
	j.sequence(0x0008119A, len(unnamed), func(i int) { failure(&j, unnamed[i]) })
	j.end()
	return j.out
}

func failure(j *objectWriter, a *arrival) {
	if a.instance.UID != "" {
		j.text(0x00081150, a.instance.SOPClass)
		j.text(0x00081155, a.instance.UID)
	}
	j.number(0x00081197, int64(a.refused.reason))
	comment(j, a.refused.text)
}

// comment is the Error Comment (0000,0902) in an item of Failed Attributes
// Sequence (0074,1048): what was found, for a person.
func comment(j *objectWriter, text string) {
	j.sequence(0x00741048, 1, func(int) { j.element(0x00000902, dicom.LO, dicom.AppendString(nil, text)) })
}

// commonStudy is the study of all instances, or "".
func commonStudy(list []*arrival) string {
	study := ""
	for _, a := range list {
		if study != "" && study != a.study.UID {
			return ""
		}
		study = a.study.UID
	}
	return study
}

// objectWriter writes DICOM JSON objects; elements come in ascending order.
type objectWriter struct {
	out   []byte
	fresh bool
}

func (j *objectWriter) begin() { j.out, j.fresh = append(j.out, '{'), true }
func (j *objectWriter) end()   { j.out, j.fresh = append(j.out, '}'), false }

func (j *objectWriter) head(t dicom.Tag, v dicom.VR) {
	if !j.fresh {
		j.out = append(j.out, ',')
	}
	j.fresh = false
	j.out = append(append(j.out, '"'), t.String()...)
	j.out = append(append(append(j.out, `":{"vr":"`...), v.String()...), '"')
}

// element writes an attribute with one value that is JSON already; without a
// value it is empty.
func (j *objectWriter) element(t dicom.Tag, v dicom.VR, value []byte) {
	j.head(t, v)
	if value != nil {
		j.out = append(append(append(j.out, `,"Value":[`...), value...), ']')
	}
	j.out = append(j.out, '}')
}

// text writes a text with the VR of the dictionary.
func (j *objectWriter) text(t dicom.Tag, value string) {
	d, _ := dicom.Lookup(t)
	if value == "" {
		j.element(t, d.VR, nil)
		return
	}
	j.element(t, d.VR, dicom.AppendString(nil, value))
}

func (j *objectWriter) number(t dicom.Tag, value int64) {
	d, _ := dicom.Lookup(t)
	j.element(t, d.VR, strconv.AppendInt(nil, value, 10))
}

// sequence writes n items; a sequence without items is left out.
func (j *objectWriter) sequence(t dicom.Tag, n int, item func(i int)) {
	if n == 0 {
		return
	}
	j.head(t, dicom.SQ)
	j.out = append(j.out, `,"Value":[`...)
	for i := range n {
		if i > 0 {
			j.out = append(j.out, ',')
		}
		j.begin()
		item(i)
		j.end()
	}
	j.out = append(j.out, ']', '}')
	j.fresh = false
}
