package imaging

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

// stl is a binary STL of one triangle: 134 bytes, so that nothing pads it.
func stl(n int) []byte {
	b := make([]byte, 84+50*n)
	copy(b, "solid of a test")
	b[80], b[81] = byte(n), byte(n>>8)
	return b
}

// testDocuments takes a design's STL into the study and back out as a document.
func testDocuments(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 61, Slices: 3, PatientID: "P-1"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1), s.Slice(2)))
	for _, c := range []struct {
		name, media, class string
		content            []byte
	}{
		{"R001-044 STL", "model/stl", "1.2.840.10008.5.1.4.1.1.104.3", stl(100)},
		{"short STL", "model/stl", "1.2.840.10008.5.1.4.1.1.104.3", stl(1)},
		{"odd OBJ", "model/obj", "1.2.840.10008.5.1.4.1.1.104.4", []byte("v 0 0 0\n\n# odd\n")},
		{"MTL", "model/mtl", "1.2.840.10008.5.1.4.1.1.104.5", bytes.Repeat([]byte("newmtl a\n"), 201)},
		{"PDF", "application/pdf", "1.2.840.10008.5.1.4.1.1.104.1", []byte("%PDF-1.4\n%%EOF\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			binary := w.Expect(t, 201, servertest.Request{Token: w.clin, Method: "POST", Path: "/fhir/Binary", Body: c.content, Header: map[string]string{"Content-Type": c.media}}).Ref()
			doc := w.Create(t, w.clin, fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":%q},"date":"2026-03-04T05:06:07+08:00",
				"type":{"coding":[{"system":"http://loinc.org","code":"85040-4","display":"Model"}]},"content":[{"attachment":{"contentType":%q,"url":%q,"title":"颅骨 design"}}]}`, w.patients[0], c.media, binary))
			w.there(t, s, doc, c.class, c.media, c.content)
		})
	}
	t.Run("R001-046 attacks", func(t *testing.T) { w.attackDocuments(t, s) })
}

func (w *ward) encapsulate(token, query string) servertest.Request {
	return servertest.Request{Token: token, Method: "POST", Path: "/dicomweb/documents?" + query, Header: map[string]string{"Accept": "application/dicom+json"}}
}

// there encapsulates a document, reads it from the study and makes a document of it.
func (w *ward) there(t *testing.T, s *sample.Series, doc, class, media string, content []byte) {
	a := w.Expect(t, 200, w.encapsulate(w.clin, "document="+doc+"&study="+s.StudyUID))
	var told struct {
		Stored struct {
			Value []struct {
				UID struct{ Value []string } `json:"00081155"`
				URL struct{ Value []string } `json:"00081190"`
			}
		} `json:"00081199"`
	}
	if err := json.Unmarshal(a.Body, &told); err != nil || len(told.Stored.Value) != 1 {
		t.Fatalf("%v in %s", err, a.Body)
	}
	at := told.Stored.Value[0].URL.Value[0]
	path := at[strings.Index(at, "/studies/"):]
	again := w.Expect(t, 200, w.encapsulate(w.clin, "document="+doc+"&study="+s.StudyUID+"&series="+s.SeriesUID))
	if !bytes.Equal(again.Body, a.Body) {
		t.Errorf("asked again, it is %s, not %s", again.Body, a.Body)
	}
	valid(t, w.Expect(t, 200, w.get(path, "Accept", "application/dicom")).Body)
	m := w.Expect(t, 200, w.get(path+"/metadata", "Accept", "application/dicom+json"))
	for tag, want := range map[string]string{"00080016": class, "00420012": media, "00100020": "P-1", "0020000D": s.StudyUID, "00420010": "颅骨 design", "00080023": "20260304"} {
		if got := uids(t, m, tag); got != want {
			t.Errorf("%s = %q, want %q", tag, got, want)
		}
	}
	if !strings.Contains(string(m.Body), `"00420013"`) || strings.Count(string(m.Body), s.InstanceUID(2)) != 2 {
		t.Errorf("the images that it was made of are not named: %s", m.Body)
	}
	if strings.HasPrefix(media, "model/") && (uids(t, m, "00200052") == "" || !strings.Contains(string(m.Body), "UCUM")) {
		t.Errorf("a model without frame of reference or unit: %s", m.Body)
	}
	study := string(w.study(t, s.StudyUID))
	uid := told.Stored.Value[0].UID.Value[0]
	if !strings.Contains(study, `"valueOid":"urn:oid:`+uid+`"`) || !strings.Contains(study, `"valueOid":"urn:oid:`+s.SeriesUID+`"`) || !strings.Contains(study, `"title":"颅骨 design"`) {
		t.Errorf("R001-044 the ImagingStudy does not tell what %s was made of: %s", uid, study)
	}
	q := servertest.Request{Token: w.clin, Method: "POST", Path: "/dicomweb" + path + "/document"}
	w.Expect(t, 404, as(w.designer, q))
	made := w.Expect(t, 201, q)
	if once := w.Expect(t, 200, q); once.Ref() != made.Ref() || made.Ref() == "" {
		t.Errorf("made again it is %s, not %s", once.Ref(), made.Ref())
	}
	var d struct {
		MasterIdentifier struct{ Value string }
		Subject          struct{ Reference string }
		Content          []struct {
			Attachment struct {
				ContentType, URL, Title string
				Size                    int
			}
		}
	}
	got := w.Expect(t, 200, servertest.Request{Token: w.clin, Path: "/fhir/" + made.Ref()})
	if err := json.Unmarshal(got.Body, &d); err != nil {
		t.Fatal(err)
	}
	x := d.Content[0].Attachment
	if d.MasterIdentifier.Value != "urn:oid:"+uid || d.Subject.Reference != w.patients[0] || x.ContentType != media || x.Title != "颅骨 design" || x.Size != len(content) {
		t.Errorf("the document is %s", got.Body)
	}
	bytesOf := w.Expect(t, 200, servertest.Request{Token: w.clin, Path: "/fhir/" + x.URL, Header: map[string]string{"Accept": media}})
	if !bytes.Equal(bytesOf.Body, content) {
		t.Errorf("R001-044 %d bytes came back, not the %d that were sent", len(bytesOf.Body), len(content))
	}
	w.Expect(t, 404, servertest.Request{Token: w.designer, Path: "/fhir/" + x.URL})
}

func (w *ward) attackDocuments(t *testing.T, s *sample.Series) {
	doc := func(patient int, attachment string) string {
		return w.Create(t, w.clin, fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":%q},"content":[{"attachment":%s}]}`, w.patients[patient], attachment))
	}
	inline := fmt.Sprintf(`{"contentType":"model/stl","data":%q}`, base64.StdEncoding.EncodeToString(stl(2)))
	mine, other := doc(0, inline), doc(1, inline)
	study := "&study=" + s.StudyUID
	w.Expect(t, 401, w.encapsulate("", "document="+mine+study))
	w.Expect(t, 403, w.encapsulate(w.designer, "document="+mine+study))
	w.Expect(t, 404, w.encapsulate(w.clin, "document=DocumentReference/none"+study))
	w.Expect(t, 404, w.encapsulate(w.clin, "document="+other+study)) // another patient's study
	w.Expect(t, 404, w.encapsulate(w.clin, "document="+mine+"&study=1.2.3"))
	w.Expect(t, 404, w.encapsulate(w.clin, "document="+mine+study+"&series=1.2.3"))
	w.Expect(t, 400, w.encapsulate(w.clin, "document="+mine))
	w.Expect(t, 400, w.encapsulate(w.clin, study[1:]))
	w.Expect(t, 400, w.encapsulate(w.clin, "document="+mine+study+"&patient="+w.patients[0]))
	w.Expect(t, 422, w.encapsulate(w.clin, "document="+doc(0, `{"contentType":"text/html","data":"eA=="}`)+study))
	w.Expect(t, 422, w.encapsulate(w.clin, "document="+doc(0, `{"contentType":"model/stl","url":"http://192.0.2.1/secret.stl"}`)+study))
	q := servertest.Request{Token: w.clin, Method: "POST", Path: "/dicomweb" + instance(s, 0) + "/document"}
	w.Expect(t, 422, q) // no document
	q.Path += "?patient=" + w.patients[0]
	w.Expect(t, 400, q)
	w.Expect(t, 200, w.encapsulate(w.clin, "document="+mine+study)) // the twin
}

// testDerived: a segmentation and a structure set say at their series what they
// were drawn on.
func testDerived(t *testing.T, w *ward) {
	s := sample.New(sample.Options{Seed: 62, Slices: 2, PatientID: "P-1"})
	foreign := sample.New(sample.Options{Seed: 63, Slices: 1, PatientID: "P-2"})
	w.Expect(t, 200, w.stow(s.Slice(0), s.Slice(1)))
	w.Expect(t, 200, w.stow(foreign.Slice(0)))
	object := func(study, series, uid, class, modality, more string) string {
		return fmt.Sprintf(`{"00080016":{"vr":"UI","Value":[%q]},"00080018":{"vr":"UI","Value":[%q]},"00080060":{"vr":"CS","Value":[%q]},"0020000D":{"vr":"UI","Value":[%q]},"0020000E":{"vr":"UI","Value":[%q]},
			"00100020":{"vr":"LO","Value":["P-1"]},%s}`, class, uid, modality, study, series, more)
	}
	item := func(tag, uid string) string { return fmt.Sprintf(`%q:{"vr":"UI","Value":[%q]}`, tag, uid) }
	named := func(i int) string { return "{" + item("00081155", s.InstanceUID(i)) + "}" }
	const seg, rt = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3"
	segment := `"00620002":{"vr":"SQ","Value":[{"00620005":{"vr":"LO","Value":["Bone"]}},{"00620005":{"vr":"LO","Value":["骨"]}}]}`
	post := func(sets ...string) *servertest.Answer {
		return w.Expect(t, 200, w.post("/studies", "application/dicom+json", []byte("["+strings.Join(sets, ",")+"]")))
	}
	type source struct {
		study, series, ref string
		n                  int
	}
	check := func(name, study, uid, kind string, labels int, want ...source) {
		t.Helper()
		got := w.derived(t, study, uid)
		if got == nil {
			t.Errorf("%s: the ImagingStudy does not tell what %s was made of: %s", name, uid, w.study(t, study))
			return
		}
		if got.kind != kind || len(got.labels) != labels || len(got.of) != len(want) {
			t.Fatalf("%s: %+v, want %s, %d labels, %+v", name, got, kind, labels, want)
		}
		for i, x := range want {
			if o := got.of[i]; o.study != x.study || o.series != x.series || o.n != x.n || o.ref != x.ref {
				t.Errorf("%s: made of %+v, want %+v", name, o, x)
			}
		}
	}
	var own struct{ ID string }
	if err := json.Unmarshal(w.study(t, s.StudyUID), &own); err != nil {
		t.Fatal(err)
	}
	here := source{s.StudyUID, s.SeriesUID, "ImagingStudy/" + own.ID, 2}
	post(object(s.StudyUID, "1.2.62.1", "1.2.62.1.1", seg, "SEG", segment+`,"00081115":{"vr":"SQ","Value":[{`+item("0020000E", s.SeriesUID)+`,"0008114A":{"vr":"SQ","Value":[`+named(0)+","+named(1)+`]}}]}`))
	check("SEG by common instance reference", s.StudyUID, "1.2.62.1.1", "segmentation", 2, here)
	post(object(s.StudyUID, "1.2.62.2", "1.2.62.2.1", rt, "RTSTRUCT", `"30060020":{"vr":"SQ","Value":[{"30060026":{"vr":"LO","Value":["Skull"]}}]},
		"30060010":{"vr":"SQ","Value":[{"30060012":{"vr":"SQ","Value":[{`+item("00081155", s.StudyUID)+`,"30060014":{"vr":"SQ","Value":[{`+item("0020000E", s.SeriesUID)+`,"30060016":{"vr":"SQ","Value":[`+named(0)+","+named(1)+`]}}]}}]}}]}`))
	check("RTSTRUCT by frame of reference", s.StudyUID, "1.2.62.2.1", "structure-set", 1, here)
	check("SEG after a further object came", s.StudyUID, "1.2.62.1.1", "segmentation", 2, here)
	loose := `"52009230":{"vr":"SQ","Value":[{"00089124":{"vr":"SQ","Value":[{"00082112":{"vr":"SQ","Value":[` + named(0) + `]}}]}}]}`
	post(object("1.2.62", "1.2.62.3", "1.2.62.3.1", seg, "SEG", loose))
	check("SEG in a study of its own, by instances alone", "1.2.62", "1.2.62.3.1", "segmentation", 0, source{s.StudyUID, s.SeriesUID, "ImagingStudy/" + own.ID, 1})
	t.Run("R001-046 what is another patient's, or not here, is told by its UID alone", func(t *testing.T) {
		elsewhere := func(study string) string {
			return `"00081200":{"vr":"SQ","Value":[{` + item("0020000D", study) + `,"00081115":{"vr":"SQ","Value":[{` + item("0020000E", foreign.SeriesUID) + `}]}}]}`
		}
		post(object(s.StudyUID, "1.2.62.4", "1.2.62.4.1", seg, "SEG", elsewhere(foreign.StudyUID)))
		check("another patient's", s.StudyUID, "1.2.62.4.1", "segmentation", 0, source{foreign.StudyUID, foreign.SeriesUID, "", 0})
		post(object(s.StudyUID, "1.2.62.5", "1.2.62.5.1", seg, "SEG", elsewhere("1.2.3.4")))
		check("not here", s.StudyUID, "1.2.62.5.1", "segmentation", 0, source{"1.2.3.4", foreign.SeriesUID, "", 0})
	})
	t.Run("a modality that is no code of DICOM is stored all the same", func(t *testing.T) {
		post(object("1.2.63", "1.2.63.1", "1.2.63.1.1", "1.2.840.10008.5.1.4.1.1.7", "OWNMOD", `"00100040":{"vr":"CS"}`))
		if got := string(w.study(t, "1.2.63")); !strings.Contains(got, `"modality":[{"code":"OWNMOD"}]`) {
			t.Error(got)
		}
	})
	w.Expect(t, 204, w.remove("/studies/"+s.StudyUID+"/series/1.2.62.2"))
	if w.derived(t, s.StudyUID, "1.2.62.2.1") != nil {
		t.Error("the ImagingStudy tells of an object that is gone")
	}
	check("SEG after another one is gone", s.StudyUID, "1.2.62.1.1", "segmentation", 2, here)
}

type derivedOf struct {
	kind   string
	labels []string
	of     []struct {
		study, series, ref string
		n                  int
	}
}

// derived reads from the ImagingStudy what an object was made of, or nil.
func (w *ward) derived(t *testing.T, study, uid string) *derivedOf {
	t.Helper()
	type extension struct {
		URL, ValueCode, ValueOid, ValueString string
		ValueUnsignedInt                      int
		ValueReference                        struct {
			Reference  string
			Identifier struct{ Value string }
		}
		Extension []extension
	}
	var s struct {
		Series []struct{ Extension []extension }
	}
	if err := json.Unmarshal(w.study(t, study), &s); err != nil {
		t.Fatal(err)
	}
	for _, series := range s.Series {
		for _, e := range series.Extension {
			d, mine := &derivedOf{}, false
			for _, x := range e.Extension {
				switch x.URL {
				case "kind":
					d.kind = x.ValueCode
				case "instance":
					mine = x.ValueOid == "urn:oid:"+uid
				case "label":
					d.labels = append(d.labels, x.ValueString)
				case "of":
					var o struct {
						study, series, ref string
						n                  int
					}
					for _, y := range x.Extension {
						switch y.URL {
						case "study":
							o.study, o.ref = strings.TrimPrefix(y.ValueReference.Identifier.Value, "urn:oid:"), y.ValueReference.Reference
						case "series":
							o.series = strings.TrimPrefix(y.ValueOid, "urn:oid:")
						case "instances":
							o.n = y.ValueUnsignedInt
						}
					}
					d.of = append(d.of, o)
				}
			}
			if mine && e.URL == "urn:tenon:extension:derived" {
				return d
			}
		}
	}
	return nil
}
