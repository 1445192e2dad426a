package dicomweb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/dicomweb/index"
)

// ImagingStudy, R4.
// https://hl7.org/fhir/R4/imagingstudy-mappings.html#dicom

// maxListed is the number of instances that an ImagingStudy lists; a larger
// study tells their number, and QIDO-RS lists them.
const maxListed = 1000

// extensionCase refers to the root Task of the case that the study belongs to.
const extensionCase = "urn:tenon:extension:case"

const (
	systemDCM    = "http://dicom.nema.org/resources/ontology/DCM"
	systemURI    = "urn:ietf:rfc:3986"
	systemUID    = "urn:dicom:uid"
	systemType   = "http://terminology.hl7.org/CodeSystem/v2-0203"
	systemSNOMED = "http://snomed.info/sct"
)

type (
	object    = map[string]any
	reference struct {
		Reference string `json:"reference"`
	}
	coding struct {
		System  string `json:"system,omitempty"`
		Version string `json:"version,omitempty"`
		Code    string `json:"code,omitempty"`
		Display string `json:"display,omitempty"`
	}
	listedSeries struct {
		Extension   []json.RawMessage `json:"extension,omitempty"`
		UID         string            `json:"uid"`
		Number      *int64            `json:"number,omitempty"`
		Modality    coding            `json:"modality"`
		Description string            `json:"description,omitempty"`
		Count       int64             `json:"numberOfInstances"`
		Endpoint    []reference       `json:"endpoint,omitempty"`
		BodySite    *coding           `json:"bodySite,omitempty"`
		Laterality  *coding           `json:"laterality,omitempty"`
		Started     string            `json:"started,omitempty"`
		Instance    []listedInstance  `json:"instance,omitempty"`
	}
	listedInstance struct {
		UID      string `json:"uid"`
		SOPClass coding `json:"sopClass"`
		Number   *int64 `json:"number,omitempty"`
		Title    string `json:"title,omitempty"`
	}
)

// owned are the elements that follow from the instances; a client's other
// elements of the resource stay as they are.
var owned = []string{"identifier", "status", "modality", "subject", "started", "numberOfSeries",
	"numberOfInstances", "description", "series"}

// imagingStudy makes the next version of the resource from the merged rows.
func (u *unit) imagingStudy(id string) ([]byte, error) {
	o := map[string]json.RawMessage{}
	if u.before != nil {
		var err error
		if o, err = objectOf(u.before.Body); err != nil {
			return nil, err
		}
	}
	delete(o, "meta") // the record sets it
	for _, name := range owned {
		if name != "identifier" {
			delete(o, name)
		}
	}
	for name, v := range u.elements(id) {
		if name == "identifier" && o[name] != nil {
			continue // the client may have added some
		}
		raw, err := marshal(v)
		if err != nil {
			return nil, err
		}
		o[name] = raw
	}
	if err := u.addCase(o); err != nil {
		return nil, err
	}
	return render(o)
}

// objectOf are the elements of a stored resource.
func objectOf(body []byte) (map[string]json.RawMessage, error) {
	o := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("dicomweb: stored ImagingStudy: %w", err)
	}
	return o, nil
}

// elements are the values of what the door owns.
func (u *unit) elements(id string) object {
	s := &u.study
	e := object{
		"resourceType": "ImagingStudy", "id": id, "status": "available",
		"identifier":        u.identifiers(),
		"subject":           reference{s.Patient},
		"numberOfSeries":    value(s.Series),
		"numberOfInstances": value(s.Instances),
		"series":            u.listed(),
	}
	if m := u.modalities(); m != nil {
		e["modality"] = m
	}
	if started := u.moment(s.Date, s.Time, s.Timezone); started != "" {
		e["started"] = started
	}
	if s.Description != "" {
		e["description"] = s.Description
	}
	if endpoint := u.in.door.o.Endpoint; endpoint != "" {
		e["endpoint"] = []reference{{endpoint}}
	}
	return e
}

func (u *unit) identifiers() []object {
	list := []object{{"use": "official", "system": systemUID, "value": "urn:oid:" + u.study.UID}}
	if a := u.study.AccessionNumber; a != "" {
		list = append(list, object{"type": object{"coding": []coding{{System: systemType, Code: "ACSN"}}}, "value": a})
	}
	return list
}

func (u *unit) modalities() []coding {
	var list []coding
	for m := range strings.SplitSeq(u.study.Modalities, `\`) {
		if m != "" {
			list = append(list, modality(m))
		}
	}
	return list
}

// listed are the series with their instances, all that are stored and fresh.
func (u *unit) listed() []listedSeries {
	rows := map[string]*index.Series{}
	for _, s := range u.held.Series {
		if s.Study == u.study.UID {
			rows[s.UID] = &s
		}
	}
	for _, s := range u.series {
		rows[s.UID] = s
	}
	instances := map[string][]listedInstance{}
	if value(u.study.Instances) <= maxListed {
		for i := range u.held.Members {
			listInstance(instances, &u.held.Members[i])
		}
		for _, a := range u.fresh {
			listInstance(instances, &a.instance)
		}
	}
	var list []listedSeries
	for _, s := range rows {
		list = append(list, u.listSeries(s, instances[s.UID]))
	}
	slices.SortFunc(list, func(a, b listedSeries) int {
		return compareNumbered(a.Number, b.Number, a.UID, b.UID)
	})
	return list
}

func (u *unit) listSeries(s *index.Series, instances []listedInstance) listedSeries {
	l := listedSeries{UID: s.UID, Number: unsigned(s.Number), Description: s.Description, Count: value(s.Instances),
		Modality: modality(s.Modality), Instance: instances, Extension: u.derived[s.UID],
		BodySite: bodySite(s.BodyPart), Laterality: laterality(s.Laterality), Started: u.moment(s.Date, s.Time, u.study.Timezone)}
	slices.SortFunc(l.Instance, func(a, b listedInstance) int {
		return compareNumbered(a.Number, b.Number, a.UID, b.UID)
	})
	return l
}

func listInstance(lists map[string][]listedInstance, i *index.Instance) {
	lists[i.Series] = append(lists[i.Series], listedInstance{UID: i.UID, Number: unsigned(i.Number), Title: i.DocumentTitle,
		SOPClass: coding{System: systemURI, Code: "urn:oid:" + i.SOPClass}})
}

// unsigned leaves out numbers that an unsignedInt cannot hold.
func unsigned(n *int64) *int64 {
	if n == nil || *n < 0 || *n > 1<<31-1 {
		return nil
	}
	return n
}

// compareNumbered orders by number, then UID; what has no number comes last.
func compareNumbered(a, b *int64, uidA, uidB string) int {
	switch {
	case a != nil && b != nil && *a != *b:
		if *a < *b {
			return -1
		}
		return 1
	case (a == nil) != (b == nil):
		if b == nil {
			return -1
		}
		return 1
	}
	return strings.Compare(uidA, uidB)
}

// moment is a FHIR dateTime: with time only where the time zone is known, by the
// instance or by the configuration of the door.
func (u *unit) moment(date, clock, zone string) string {
	if date == "" {
		return ""
	}
	day := date[:4] + "-" + date[4:6] + "-" + date[6:]
	if clock == "" {
		return day
	}
	at, err := time.Parse("20060102150405", date+clock[:6]) // a fraction is cut off
	if err != nil {
		return day
	}
	if z, err := time.Parse("-0700", zone); err == nil {
		_, offset := z.Zone()
		return at.Add(-time.Duration(offset) * time.Second).In(time.FixedZone("", offset)).Format(time.RFC3339)
	}
	if u.in.door.o.Zone == nil {
		return day
	}
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, u.in.door.o.Zone).Format(time.RFC3339)
}

// addCase refers to the case of the request, once.
func (u *unit) addCase(o map[string]json.RawMessage) error {
	task := u.in.subject.task
	if task == "" {
		return nil
	}
	var list []json.RawMessage
	if o["extension"] != nil {
		if err := json.Unmarshal(o["extension"], &list); err != nil {
			return fmt.Errorf("dicomweb: stored ImagingStudy.extension: %w", err)
		}
	}
	for _, raw := range list {
		var e struct {
			URL            string    `json:"url"`
			ValueReference reference `json:"valueReference"`
		}
		if json.Unmarshal(raw, &e) == nil && e.URL == extensionCase && e.ValueReference.Reference == task {
			return nil
		}
	}
	raw, err := marshal(object{"url": extensionCase, "valueReference": reference{task}})
	if err != nil {
		return err
	}
	o["extension"], err = marshal(append(list, raw))
	return err
}

// order is that of the elements in the answer; others follow by name.
var order = append([]string{"resourceType", "id", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"}, owned...)

// render writes the object with resourceType first.
func render(o map[string]json.RawMessage) ([]byte, error) {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var b bytes.Buffer
	for i, name := range names {
		b.WriteByte("{,"[min(i, 1)])
		key, err := marshal(name)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(o[name])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal is JSON without the escapes for HTML.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
