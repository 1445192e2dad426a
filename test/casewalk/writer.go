package casewalk

import (
	"encoding/json"
	"strconv"
	"time"
)

// Writer is what a document is written with: who writes, about whom, and what
// was written before.
type Writer struct {
	By         string // PractitionerRole/x
	Patient    string // Patient/x
	Person     Obj    // the Patient
	Root       string // Task/x of the case
	Number     string
	Agreement  string // Contract/x that stands
	Now        time.Time
	Opened     time.Time         // when the case was opened
	Forms      map[string]Obj    // Questionnaires in force, by the last word of their url
	Refs       map[string]string // "S04/goal" → "Goal/x"
	Versions   map[string]string // "S11/device" → "3", as the model knows it
	Sums       map[string]string // SHA-256 of the files by part
	Tasks      map[string]string // stage → "Task/x"
	File       string            // Binary/x of the part that is written
	Sum        string            // of its content
	Kind       string            // content type
	Cast       map[string]*Person
	Confirmed  string // date of the form as written
	Imaged     string // ImagingStudy.started as written
	Used       string // when the device was used, as written
	Generation int    // how often stages were opened anew
	Attending  string // PractitionerRole/x of the attending clinician
	Prior      string // DeviceRequest/x that the order replaces
	Joined     bool   // the new member is of the team
}

// version names a part in the version that it has now.
func (w *Writer) version(path string) string { return w.Refs[path] + "/_history/" + w.Versions[path] }

func (w *Writer) who(id string) string { return w.Cast[id].Ref }

// ofCase carries the case: what no Task names joins it by this.
func (w *Writer) ofCase(o Obj) Obj {
	list, _ := o["extension"].(Arr)
	o["extension"] = append(list, ext("case", "valueReference", ref(w.Root)))
	return o
}

func section(name string) Obj {
	return Obj{"title": name, "code": coded("section", name), "text": Obj{
		"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + name + `</div>`,
	}}
}

func (w *Writer) composition(title string, sections ...string) Obj {
	list := Arr{}
	for _, name := range sections {
		list = append(list, section(name))
	}
	return Obj{
		"resourceType": "Composition", "status": "final", "type": text(title), "title": title, "subject": ref(w.Patient),
		"date": instant(w.Now), "author": refs(w.By), "section": list,
	}
}

func composed(title string, sections ...string) func(*Writer) Obj {
	return func(w *Writer) Obj { return w.composition(title, sections...) }
}

func (w *Writer) report(title, verdict string) Obj {
	return Obj{
		"resourceType": "DiagnosticReport", "status": "final", "code": text(title), "category": Arr{text(title)}, "subject": ref(w.Patient),
		"issued": instant(w.Now), "performer": refs(w.By), "conclusionCode": Arr{coded("verdict", verdict)},
	}
}

func reported(title, verdict string) func(*Writer) Obj {
	return func(w *Writer) Obj { return w.report(title, verdict) }
}

// filed is a DocumentReference with the file that was stored before.
func (w *Writer) filed(title string) Obj {
	return w.ofCase(Obj{
		"resourceType": "DocumentReference", "status": "current", "subject": ref(w.Patient), "description": title,
		"securityLabel": Arr{coded("data-level", "L4")},
		"content": Arr{Obj{"attachment": Obj{
			"extension": Arr{ext("sha-256", "valueString", w.Sum)}, "contentType": w.Kind, "url": w.File, "title": title,
		}}},
	})
}

func file(title string) func(*Writer) Obj {
	return func(w *Writer) Obj { return w.filed(title) }
}

// as says what a document is: its type, or the code of a report.
func as(document string, body func(*Writer) Obj) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := body(w)
		element := "type"
		if o["resourceType"] == "DiagnosticReport" {
			element = "code"
		}
		o[element] = coded("document", document)
		return o
	}
}

// with puts an extension on a document.
func with(body func(*Writer) Obj, extensions ...Obj) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := body(w)
		all, _ := o["extension"].(Arr)
		for _, e := range extensions {
			all = append(all, e)
		}
		o["extension"] = all
		return o
	}
}

// producedWith says which software made a file.
var producedWith = Obj{"url": tenon + "extension:produced-with", "extension": Arr{
	Obj{"url": "device", "valueReference": ref("Device/cad")}, Obj{"url": "version", "valueString": "5.2.0"},
}}

// tested is a report on results, which follows plans.
func tested(document, title, result string, follows ...string) func(*Writer) Obj {
	return as(document, func(w *Writer) Obj {
		o := w.report(title, "pass")
		o["conclusion"], o["result"] = "every item passed", refs(w.Refs[result])
		list := Arr{}
		for _, f := range follows {
			list = append(list, ext("follows", "valueReference", ref(w.Refs[f])))
		}
		if len(list) > 0 {
			o["extension"] = list
		}
		return o
	})
}

// result is a result of a test that passed.
func result(key, by, characteristic string, value float64, unit string, needs ...string) Part {
	return Part{Key: key, Type: "Observation", By: by, As: Beside, Needs: needs, Body: func(w *Writer) Obj {
		o := w.ofCase(Obj{
			"resourceType": "Observation", "status": "final", "subject": ref(w.Patient), "code": coded("characteristic", characteristic),
			"effectiveDateTime": instant(w.Now), "valueQuantity": quantity(value, unit), "method": text("measured"), "performer": refs(w.By),
			"interpretation": Arr{coded("verdict", "pass")},
			"referenceRange": Arr{Obj{"low": quantity(value-0.5, unit), "high": quantity(value+0.5, unit)}},
		})
		if len(needs) > 0 {
			o["device"] = ref(w.Refs[needs[0]])
			o["extension"] = append(o["extension"].(Arr), ext("resolution", "valueQuantity", quantity(0.01, "mm")))
			o["code"] = coded("parameter", map[string]string{"thickness": "dimension", "roughness": "roughness"}[characteristic])
			o["valueQuantity"].(Obj)["value"] = json.Number(strconv.FormatFloat(value, 'f', 2, 64)) // as written down: 80.00
		}
		return o
	}}
}

// sectionOf finds a section of a Composition.
func sectionOf(o Obj, name string) Obj {
	for _, s := range list(o, "section") {
		if str(s, "title") == name {
			return s
		}
	}
	return Obj{}
}

func underDigest(target, sum string) Obj {
	e := ref(target)
	e["extension"] = Arr{ext("sha-256", "valueString", sum)}
	return e
}

// spoilers

// set replaces a top-level element; nil removes it.
func set(element string, value any) func(Obj) {
	return func(o Obj) {
		if value == nil {
			delete(o, element)
			return
		}
		o[element] = value
	}
}

// without drops the section of a Composition.
func without(sectionCode string) func(Obj) {
	return func(o Obj) {
		kept := Arr{}
		for _, s := range list(o, "section") {
			if str(s, "code", "coding", "code") != sectionCode {
				kept = append(kept, s)
			}
		}
		o["section"] = kept
	}
}

// verdict replaces the conclusion.
func verdict(code string) func(Obj) { return set("conclusionCode", Arr{coded("verdict", code)}) }

// unextended drops an extension.
func unextended(name string) func(Obj) {
	return func(o Obj) {
		kept := Arr{}
		for _, e := range list(o, "extension") {
			if str(e, "url") != tenon+"extension:"+name {
				kept = append(kept, e)
			}
		}
		if len(kept) == 0 {
			delete(o, "extension")
			return
		}
		o["extension"] = kept
	}
}
