package grading

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// add copies one resource of the case into the export, or withholds it.
func (x *exporter) add(n tree.Node) error {
	typ, id := n.Field("resourceType").Str(), n.Field("id").Str()
	source := typ + "/" + id
	if _, ok := localReference(source, ""); !ok {
		return issue.Errorf(issue.Structure, "a resource of the case has no type or no id").Rule("export-source")
	}
	if x.seen == nil {
		x.seen = map[string]bool{}
	}
	if x.seen[source] {
		return issue.Errorf(issue.Duplicate, "%s stands twice in the case; hand over its current version only", source).Rule("export-source")
	}
	x.seen[source] = true
	reason := x.reason(n, typ)
	if reason != "" {
		if reason == reasonSpecial && slices.Contains(x.t.followUp.Always, typ) {
			return x.refuse(source, "holds special personal data (S3), which may not leave", "含特殊敏感个人信息，不得外传")
		}
		x.withheld[[2]string{typ, reason}]++
		return nil
	}
	if typ == "Device" {
		x.devices++
	}
	return x.copyOf(n, typ, id)
}

// reason says why a resource stays behind, or "".
func (x *exporter) reason(n tree.Node, typ string) string {
	_, known := x.t.followUp.Types[typ]
	switch {
	case slices.Contains(x.t.followUp.People, typ):
		return reasonPerson
	case !known:
		return reasonPurpose
	case typ == "Device" && !x.f.Recipient.made(n):
		return reasonForeign
	case slices.Contains(x.t.Grade(n).Flags, Special):
		return reasonSpecial
	}
	return ""
}

// made reports whether the recipient made the device.
func (r Recipient) made(device tree.Node) bool {
	maker := strings.TrimSpace(device.Field("manufacturer").Str())
	for _, name := range r.Names {
		if maker != "" && strings.EqualFold(maker, strings.TrimSpace(name)) {
			return true
		}
	}
	for udi := range device.Field("udiCarrier").Items() {
		if di := udi.Field("deviceIdentifier").Str(); di != "" && slices.Contains(r.DeviceIdentifiers, di) {
			return true
		}
	}
	return false
}

// copyOf makes the copy, looks for people in it, grades it and labels it.
func (x *exporter) copyOf(n tree.Node, typ, id string) error {
	source := typ + "/" + id
	c := &copier{pseudonyms: x.f.Pseudonyms, days: x.f.Pseudonyms.Days(x.f.Patient), base: x.f.BaseURL, patient: x.f.Patient, made: x.made}
	c.resource(n, typ, id, x.t.followUp.Types[typ])
	switch {
	case c.stranger:
		return x.refuse(source, "refers to another patient than that of the case", "引用了其他患者")
	case c.undated:
		return x.refuse(source, "holds a date that cannot be shifted; correct it", "含无法偏移的日期，请更正")
	}
	for _, text := range c.texts {
		if x.people.in(text) {
			return x.refuse(source, "shows the name, a number or an address of a person in a coded or identifying element; correct the resource",
				"在编码或标识字段中出现了人员姓名、号码或地址，请更正该资源")
		}
	}
	grade, err := x.regrade(c.out)
	if err != nil {
		return err
	}
	body, err := labelled(c.out, c.metaAt, grade)
	if err != nil {
		return err
	}
	// Measured on the bytes that leave.
	if grade, err = x.regrade(body); err != nil {
		return err
	}
	if rank(grade.Level) > x.t.followUp.Ceiling || grade.Overlay != "" {
		return x.refuse(source, fmt.Sprintf("is still %v after de-identification, the ceiling of the recipient is %v", grade.Level, x.t.followUp.Ceiling),
			fmt.Sprintf("去标识后仍为 %v，超过接收方上限 %v", grade.Level, x.t.followUp.Ceiling))
	}
	line := Line{Reference: typ + "/" + x.f.Pseudonyms.ID(source), SHA256: digest(body), Level: grade.Level, Integrity: grade.Integrity}
	x.copies = append(x.copies, copied{typ: typ, line: line, body: body})
	return nil
}

func (x *exporter) regrade(body []byte) (Result, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return Result{}, fmt.Errorf("grading: a copy is not JSON: %w", err)
	}
	return x.t.GradeCopy(doc.Root(), Evidence{K: x.f.K, Pseudonym: func(v string) bool { return x.made[v] }}), nil
}

// refuse stops the export; source is a type and id of the hospital itself.
func (x *exporter) refuse(source, text, chinese string) error {
	return issue.New(issue.Issue{Type: issue.BusinessRule, Rule: "export-refused", Path: source, Clause: "R004-026",
		Text: text + "; nothing was exported", Chinese: chinese + "；未导出任何数据"})
}

// What a copy says of itself besides its grade.
var (
	pseudonymised = Coding{"http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "PSEUDED"}
	subsetted     = Coding{"http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "SUBSETTED"}
)

// labelled puts meta with the labels of its grade into a copy.
func labelled(body []byte, at int, r Result) ([]byte, error) {
	security, tags := Labels(r)
	meta, err := json.Marshal(struct {
		Security []Coding `json:"security"`
		Tag      []Coding `json:"tag"`
	}{append(security, pseudonymised), append(tags, subsetted)})
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(body)+len(meta)+8)
	out = append(append(out, body[:at]...), `,"meta":`...)
	return append(append(out, meta...), body[at:]...), nil
}
