package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"html"
	"time"
)

// A resource is written as plain JSON: what you see is what is sent.
type (
	obj = map[string]any
	arr = []any
)

// ref is a Reference.
func ref(to string) obj { return obj{"reference": to} }

func refs(to ...string) arr {
	list := arr{}
	for _, r := range to {
		list = append(list, ref(r))
	}
	return list
}

// tenon is the prefix of our code systems; urn:tenon:document and so on.
const tenon = "urn:tenon:"

// code is a CodeableConcept of one of our code systems.
func code(system, code string) obj {
	return obj{"coding": arr{obj{"system": tenon + system, "code": code}}}
}

func text(s string) obj { return obj{"text": s} }

// ext is one of our extensions; kind is the name of its value[x].
func ext(name, kind string, value any) obj {
	return obj{"url": tenon + "extension:" + name, kind: value}
}

func quantity(value float64, ucum string) obj {
	return obj{"value": value, "unit": ucum, "system": "http://unitsofmeasure.org", "code": ucum}
}

// instant is a dateTime with the precision that signatures and visits have.
func instant(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z07:00") }

func day(at time.Time) string { return at.Format(time.DateOnly) }

// narrative is a Narrative of one paragraph.
func narrative(s string) obj {
	return obj{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + html.EscapeString(s) + `</div>`}
}

func sha(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// section is a filled section of a Composition.
func section(name, says string) obj {
	return obj{"title": name, "code": code("section", name), "text": narrative(says)}
}

// composition is a Composition of the patient with filled sections.
func (s *story) composition(by *person, title string, sections ...string) obj {
	list := arr{}
	for _, name := range s.sections(sections) {
		list = append(list, section(name, s.says(name)))
	}
	return obj{
		"resourceType": "Composition", "status": "final", "type": text(title), "title": title,
		"subject": ref(s.patient.ref), "date": instant(s.now()), "author": refs(by.ref), "section": list,
	}
}

// as says what a document is: its type, or the code of a report, beside its title.
func as(document string, o obj) obj {
	element := "type"
	if o["resourceType"] == "DiagnosticReport" {
		element = "code"
	}
	concept := code("document", document)
	if titled, ok := o[element].(obj); ok {
		concept["text"] = titled["text"]
	}
	o[element] = concept
	return o
}

// add appends to a list of a resource.
func add(o obj, list string, items ...any) obj {
	old, _ := o[list].(arr)
	o[list] = append(old, items...)
	return o
}

// results completes a report: what it rests on and what it says.
func results(report obj, conclusion string, observations ...string) obj {
	report["conclusion"] = conclusion
	return add(report, "result", refs(observations...)...)
}

// follows names the plan and the specification that a report follows.
func follows(report obj, plans ...string) obj {
	for _, p := range plans {
		add(report, "extension", ext("follows", "valueReference", ref(p)))
	}
	return report
}

// madeWith says which software made a file.
func madeWith(o obj) obj {
	return add(o, "extension", obj{"url": tenon + "extension:produced-with", "extension": arr{
		obj{"url": "device", "valueReference": ref("Device/cad")}, obj{"url": "version", "valueString": "5.2.0"},
	}})
}

// sectionOf finds a section of a Composition.
func sectionOf(o obj, name string) obj {
	for _, s := range items(o, "section") {
		if str(s, "title") == name {
			return s
		}
	}
	return obj{}
}

// underDigest refers to a document under the digest of its file.
func underDigest(document string, content []byte) obj {
	e := ref(document)
	e["extension"] = arr{ext("sha-256", "valueString", sha(content))}
	return e
}

// report is a final DiagnosticReport of the patient with a conclusion (code of
// urn:tenon:verdict).
func (s *story) report(by *person, title, verdict string) obj {
	return obj{
		"resourceType": "DiagnosticReport", "status": "final", "code": text(title), "category": arr{text(title)},
		"subject": ref(s.patient.ref), "issued": instant(s.now()), "performer": refs(by.ref),
		"conclusionCode": arr{code("verdict", verdict)},
	}
}

// document is a DocumentReference of the patient with one stored file. The
// SHA-256 in the attachment is what gates and signatures hold on to.
func (s *story) document(title, binary, contentType string, content []byte) obj {
	o := paper(title, binary, contentType, content)
	o["subject"] = ref(s.patient.ref)
	return o
}

// paper is a document about nobody.
func paper(title, binary, contentType string, content []byte) obj {
	return obj{
		"resourceType": "DocumentReference", "status": "current", "description": title,
		"securityLabel": arr{code("data-level", "L4")},
		"content": arr{obj{"attachment": obj{
			"extension":   arr{ext("sha-256", "valueString", sha(content))},
			"contentType": contentType, "url": binary, "title": title,
		}}},
	}
}

// file stores content as a Binary, raw as it is, and the DocumentReference that
// names it, and returns the latter.
func (s *story) file(by *person, title, contentType string, content []byte) obj {
	return s.document(title, s.upload(by, contentType, content), contentType, content)
}

// upload stores raw content: https://hl7.org/fhir/R4/binary.html#rest
func (s *story) upload(by *person, contentType string, content []byte) string {
	a := s.web.expect(201, request{as: by, method: "POST", path: "/fhir/Binary", raw: content, contentType: contentType})
	s.contents[a.ref()] = content
	return a.ref()
}

// ofCase adds the extension that makes a resource part of the case. What a Task
// names in its outputs is part of the case without it.
func (s *story) ofCase(resource obj) obj {
	list, _ := resource["extension"].(arr)
	resource["extension"] = append(list, ext("case", "valueReference", ref(s.course.root)))
	return resource
}
