package test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

// pair is a request about something that is out of reach, and the same about
// something that does not exist. The answers must be alike.
type pair struct{ real, none servertest.Request }

// nobody stands for ids that do not exist.
const nobody = "00000000-0000-4000-8000-000000000000"

// strangersReachNothing: what is out of reach reads as absent, by status, header
// and body, whatever way leads to it.
func (w *town) strangersReachNothing(t *testing.T) {
	pairs := w.pairs()
	names := slices.SortedFunc(maps.Keys(pairs), func(a, b string) int { return cmp.Or(harm(a)-harm(b), strings.Compare(a, b)) })
	for _, name := range names { // all strangers ask before one of them could destroy, if nothing kept him from it
		for _, who := range strangers {
			p := pairs[name]
			t.Run("R000-010 R001-150 "+who+" "+name, func(t *testing.T) {
				p.real.Token, p.none.Token = w.token[who], w.token[who]
				a, b := w.Send(t, p.real), w.Send(t, p.none)
				discreet(t, p.real, a)
				if x, y := w.plain(a), w.plain(b); x != y {
					t.Errorf("%s %s\nout of reach: %s\nabsent:       %s", p.real.Method, p.real.Path, x, y)
				}
			})
		}
	}
	t.Run("R000-010 R001-150 joins", w.joins)
	t.Run("R000-010 R001-150 totals", w.totals)
	t.Run("R000-010 R001-150 images", w.imagesOfOthers)
	t.Run("untouched", w.untouched)
}

// harm orders requests by what they would do if they were carried out: nothing, a
// change, the end of the thing.
func harm(name string) int {
	for i, words := range [][]string{{"delete", "batch", "transaction", "merge", "expunge"}, {"update", "patch", "sign", "apply", "membership", "stage", "own resource"}} {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) }) {
			return 2 - i
		}
	}
	return 0
}

var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+Z|(?:1\.2\.|2\.25\.)[0-9.]+`)

// plain is an answer without what differs by nature: ids, times and secrets that
// the request held.
func (w *town) plain(a *servertest.Answer) string {
	body := volatile.ReplaceAllString(string(a.Body), "…")
	for _, s := range append([]string{url.QueryEscape(secretName), "NOT-A-VALUE"}, secrets...) {
		body = strings.ReplaceAll(body, s, "…")
	}
	body = regexp.MustCompile(`…[^"&]*`).ReplaceAllString(body, "…")
	h := a.Header.Clone()
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Location", volatile.ReplaceAllString(h.Get("Location"), "…"))
	return fmt.Sprint(a.Status, h, body)
}

// pairs are the ways to ask for one thing.
func (w *town) pairs() map[string]pair {
	pairs := map[string]pair{}
	add := func(name string, make func(ref func(string) string, value func(string) string) servertest.Request) {
		same := func(s string) string { return s }
		pairs[name] = pair{make(same, same), make(func(ref string) string {
			typ, _, _ := strings.Cut(ref, "/")
			return typ + "/" + nobody
		}, func(string) string { return "NOT-A-VALUE" })}
	}
	for _, what := range []string{w.patient, w.observation, w.document, w.root, w.stage, w.binary} {
		typ, _, _ := strings.Cut(what, "/")
		for suffix, name := range map[string]string{"": "read", "/_history/1": "vread", "/_history": "history", "/$bytes": "bytes", "/_history/1/$bytes": "bytes of a version"} {
			for _, method := range []string{"GET", "HEAD"} {
				add(method+" "+typ+" "+name, func(ref, _ func(string) string) servertest.Request {
					return servertest.Request{Method: method, Path: "/fhir/" + ref(what) + suffix}
				})
			}
		}
		for condition, value := range map[string]string{"If-None-Match": `W/"1"`, "If-Modified-Since": "Wed, 01 Jan 2031 00:00:00 GMT", "Range": "bytes=0-3", "Accept": "application/fhir+json"} {
			add(typ+" "+condition, func(ref, _ func(string) string) servertest.Request {
				return servertest.Request{Method: "GET", Path: "/fhir/" + ref(what), Header: map[string]string{condition: value}}
			})
		}
		add(typ+" update", func(ref, _ func(string) string) servertest.Request {
			return servertest.Request{Method: "PUT", Path: "/fhir/" + ref(what), Body: minimalOf(ref(what)), Header: map[string]string{"If-Match": `W/"1"`}}
		})
		add(typ+" update stale", func(ref, _ func(string) string) servertest.Request {
			return servertest.Request{Method: "PUT", Path: "/fhir/" + ref(what), Body: minimalOf(ref(what)), Header: map[string]string{"If-Match": `W/"9"`}}
		})
		add(typ+" patch", func(ref, _ func(string) string) servertest.Request {
			return patches("", ref(what), `[{"op":"test","path":"/resourceType","value":"x"}]`)
		})
		add(typ+" delete", func(ref, _ func(string) string) servertest.Request {
			return servertest.Request{Method: "DELETE", Path: "/fhir/" + ref(what)}
		})
		add(typ+" sign", func(ref, _ func(string) string) servertest.Request {
			return servertest.Request{Method: "POST", Path: "/fhir/" + ref(what) + "/$sign",
				Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"consent"},{"name":"secret","valueString":"a long enough secret"}]}`)}
		})
		add(typ+" search by id", func(ref, _ func(string) string) servertest.Request {
			_, id, _ := strings.Cut(ref(what), "/")
			return servertest.Request{Method: "GET", Path: "/fhir/" + typ + "?_id=" + id + "&_total=accurate"}
		})
		add(typ+" in a batch", func(ref, _ func(string) string) servertest.Request {
			return servertest.Request{Method: "POST", Path: "/fhir", Body: fmt.Appendf(nil,
				`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":%q}},{"request":{"method":"DELETE","url":%q}},{"resource":%s,"request":{"method":"PUT","url":%q}}]}`,
				ref(what), ref(what), minimalOf(ref(what)), ref(what))}
		})
	}
	for _, operation := range []string{"$case", "$dossier", "$follow-up"} {
		for _, task := range []string{w.root, w.stage} {
			add(operation+" of "+map[bool]string{true: "root", false: "stage"}[task == w.root], func(ref, _ func(string) string) servertest.Request {
				return servertest.Request{Method: "GET", Path: "/fhir/" + ref(task) + "/" + operation}
			})
		}
	}
	add("apply", func(ref, _ func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: []byte(applying(ref(w.patient), "X-1"))}
	})
	add("reference from an own resource", func(ref, _ func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir/Observation", Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"` + ref(w.patient) + `"}}`)}
	})
	add("membership by extension", func(ref, _ func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir/Observation", Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"` + ref(w.root) + `"}}]}`)}
	})
	add("stage made by hand", func(ref, _ func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir/Task", Body: []byte(`{"resourceType":"Task","status":"requested","intent":"order","partOf":[{"reference":"` + ref(w.root) + `"}]}`)}
	})
	for name, query := range map[string]string{
		"identifier":            "Patient?identifier=%s&_total=accurate",
		"identifier, no system": "Patient?identifier=%%7C%s",
		"counted":               "Patient?identifier=%s&_count=0",
		"identifier not":        "Patient?identifier:not=%s&_total=accurate",
		"chain":                 "Observation?subject:Patient.identifier=%s&_total=accurate",
		"chain of two":          "DocumentReference?subject:Patient.identifier=%s",
		"has":                   "Patient?_has:Observation:subject:identifier=%s&_total=accurate",
		"task of patient":       "Task?patient.identifier=%s&_total=accurate",
		"include":               "Observation?identifier=%s&_include=Observation:subject",
		"revinclude":            "Patient?identifier=%s&_revinclude=Observation:subject&_revinclude=Task:subject",
		"sorted":                "Patient?identifier=%s&_sort=birthdate",
	} {
		add("search "+name, func(_, value func(string) string) servertest.Request {
			return servertest.Request{Method: "GET", Path: "/fhir/" + fmt.Sprintf(query, value(secretMRN))}
		})
	}
	for name, query := range map[string]string{
		"references": "Observation?subject=%s&_total=accurate", "patient": "DocumentReference?patient=%s&_total=accurate", "of the case": "Task?part-of=%s&_total=accurate",
		"included": "Task?part-of=%s&_include=Task:subject", "signatures": "Provenance?target=%s&_total=accurate", "images": "ImagingStudy?subject=%s&_total=accurate",
	} {
		add("search "+name, func(ref, _ func(string) string) servertest.Request {
			target := w.patient
			if strings.HasPrefix(query, "Task") {
				target = w.root
			}
			return servertest.Request{Method: "GET", Path: "/fhir/" + fmt.Sprintf(query, ref(target))}
		})
	}
	w.conditions(add)
	w.dicom(pairs)
	return pairs
}

// minimalOf is a valid resource of the type with the id.
func minimalOf(ref string) []byte {
	typ, id, _ := strings.Cut(ref, "/")
	more := map[string]string{
		"Observation": `,"status":"final","code":{"text":"x"}`, "DocumentReference": `,"status":"current","content":[{"attachment":{"title":"x"}}]`,
		"Task": `,"status":"requested","intent":"order"`, "Binary": `,"contentType":"text/plain"`,
	}[typ]
	return fmt.Appendf(nil, `{"resourceType":%q,"id":%q%s}`, typ, id, more)
}

// conditions ask by what they would match.
func (w *town) conditions(add func(string, func(ref, value func(string) string) servertest.Request)) {
	add("conditional create", func(_, value func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir/Observation", Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`),
			Header: map[string]string{"If-None-Exist": "identifier=" + value(secretMRN+"-1")}}
	})
	add("conditional update", func(_, value func(string) string) servertest.Request {
		return servertest.Request{Method: "PUT", Path: "/fhir/Observation?identifier=" + value(secretMRN+"-1"), Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`)}
	})
	add("conditional patch", func(_, value func(string) string) servertest.Request {
		return patches("", "Observation?identifier="+value(secretMRN+"-1"), `[{"op":"replace","path":"/status","value":"amended"}]`)
	})
	add("conditional delete", func(_, value func(string) string) servertest.Request {
		return servertest.Request{Method: "DELETE", Path: "/fhir/Observation?identifier=" + value(secretMRN+"-1")}
	})
	add("conditional reference", func(_, value func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=` +
			value(secretMRN) + `"}},"request":{"method":"POST","url":"Observation"}}]}`)}
	})
	add("search in a batch", func(_, value func(string) string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?identifier=` + value(secretMRN) + `"}}]}`)}
	})
}

// dicom asks for images of others.
func (w *town) dicom(pairs map[string]pair) {
	none := sample.New(sample.Options{Seed: 77})
	for name, suffix := range map[string]string{"study": "", "metadata": "/metadata", "series": "/series", "instances": "/instances", "rendered": "/rendered",
		"one series": "/series/SERIES", "series metadata": "/series/SERIES/metadata", "instance": "/series/SERIES/instances/INSTANCE",
		"frames": "/series/SERIES/instances/INSTANCE/frames/1", "bulk data": "/series/SERIES/instances/INSTANCE/bulkdata/7FE00010"} {
		at := func(s *sample.Series) servertest.Request {
			return servertest.Request{Method: "GET", Path: "/dicomweb/studies/" + s.StudyUID + strings.NewReplacer("SERIES", s.SeriesUID, "INSTANCE", s.InstanceUID(0)).Replace(suffix)}
		}
		pairs["DICOM "+name] = pair{at(w.study), at(none)}
	}
	for name, query := range map[string]string{"PatientID": secretMRN, "StudyInstanceUID": w.study.StudyUID, "PatientName": "Secretary*"} {
		pairs["QIDO "+name] = pair{
			servertest.Request{Method: "GET", Path: "/dicomweb/studies?" + name + "=" + url.QueryEscape(query)},
			servertest.Request{Method: "GET", Path: "/dicomweb/studies?" + name + "=9.9.9"},
		}
	}
	stow := func(patient string) servertest.Request {
		return servertest.Request{Method: "POST", Path: "/dicomweb/studies?patient=" + patient, Body: sample.New(sample.Options{Seed: 78}).Slice(0),
			Header: map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}}
	}
	pairs["STOW onto a patient"] = pair{stow(w.patient), stow("Patient/" + nobody)}
}

// joins: a resource of one's own is no bridge to what it points to, nor to what
// points to it.
func (w *town) joins(t *testing.T) {
	rival := w.token["rival"]
	bridge := w.Create(t, rival, `{"resourceType":"Observation","identifier":[{"value":"bridge"}],"status":"final","code":{"text":"x"},"subject":{"reference":"`+w.patient+`"}}`)
	for query, want := range map[string]string{
		"Observation?identifier=bridge&_include=Observation:subject":                                    bridge,
		"Observation?identifier=bridge&_include=*":                                                      bridge,
		"Observation?subject:Patient.identifier=" + secretMRN:                                           "",
		"Observation?subject:Patient.name=" + url.QueryEscape(secretName):                               "",
		"Observation?patient.birthdate=" + secretBirth:                                                  "",
		"Patient?identifier=OWN&_revinclude=Observation:subject":                                        w.own["rival"],
		"Patient?_has:Observation:subject:code=" + secretFinding:                                        "",
		"Patient?identifier=OWN&_has:Observation:subject:combo-code=" + secretFinding:                   "",
		"Patient?identifier=OWN&_revinclude=Observation:patient&_include:iterate=Observation:performer": w.own["rival"],
	} {
		a := w.Send(t, servertest.Request{Token: rival, Method: "GET", Path: "/fhir/" + query})
		var got struct {
			Entry []struct {
				Resource struct{ ResourceType, ID string }
			}
		}
		if a.Status == 400 { // a way that is not offered is a way that is closed
			continue
		}
		if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != 200 {
			t.Errorf("%s = %d %.300s", query, a.Status, a.Body)
			continue
		}
		refs := ""
		for _, e := range got.Entry {
			refs += e.Resource.ResourceType + "/" + e.Resource.ID
		}
		if refs != want {
			t.Errorf("%s finds %q, want %q", query, refs, want)
		}
		discreet(t, servertest.Request{Path: query}, a)
	}
}

// totals: counts are of what is in reach.
func (w *town) totals(t *testing.T) {
	for _, typ := range []string{"Patient", "DocumentReference", "Task", "ImagingStudy", "Binary", "Provenance"} {
		for _, who := range strangers {
			want := 0
			if typ == "Patient" && w.own[who] != "" {
				want = 1
			}
			a := w.Send(t, servertest.Request{Token: w.token[who], Method: "GET", Path: "/fhir/" + typ + "?_count=0"})
			if !strings.Contains(string(a.Body), fmt.Sprintf(`"total":%d`, want)) {
				t.Errorf("%s counts %s as %s, want %d", who, typ, a.Body, want)
			}
		}
	}
}

// imagesOfOthers: an instance that claims a study of another hospital is refused
// and changes nothing there.
func (w *town) imagesOfOthers(t *testing.T) {
	forged := sample.New(sample.Options{Seed: 9, Slices: 3, PatientID: "OWN"})
	forged.StudyUID, forged.SeriesUID = w.study.StudyUID, w.study.SeriesUID
	a := w.Send(t, servertest.Request{Token: w.token["rival"], Method: "POST", Path: "/dicomweb/studies?patient=" + w.own["rival"], Body: forged.Slice(2),
		Header: map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}})
	if a.Status == 200 {
		t.Errorf("an instance was stored into the study of another hospital: %s", a.Body)
	}
	discreet(t, servertest.Request{}, a)
}

// untouched: after all this the victim's record is as it was.
func (w *town) untouched(t *testing.T) {
	for _, ref := range []string{w.patient, w.observation, w.document, w.root, w.stage, w.foreign} {
		a := w.Expect(t, 200, servertest.Request{Token: w.token["clin"], Method: "GET", Path: "/fhir/" + ref})
		if a.Header.Get("ETag") != `W/"1"` {
			t.Errorf("%s is at %s", ref, a.Header.Get("ETag"))
		}
	}
	a := w.Expect(t, 200, servertest.Request{Token: w.token["clin"], Method: "GET", Path: "/dicomweb/studies/" + w.study.StudyUID + "/instances", Header: map[string]string{"Accept": "application/dicom+json"}})
	if n := strings.Count(string(a.Body), w.study.SeriesUID); strings.Count(string(a.Body), `"00080018"`) != 2 || n < 2 {
		t.Errorf("the study is %.600s", a.Body)
	}
}
