package imaging

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
	"tenon/test/servertest"
)

const stepJSON = "application/dicom+json"

// send is a request of somebody with a data set.
func (w *ward) send(token, method, path, body string) servertest.Request {
	return servertest.Request{Token: token, Method: method, Path: "/dicomweb" + path, Body: []byte(body), Header: map[string]string{"Content-Type": stepJSON, "Accept": stepJSON}}
}

// aStep is a work item without an order.
func aStep(patient, state string) string {
	return fmt.Sprintf(`[{"00100020":{"vr":"LO","Value":[%q]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Smith^Anna"}]},"00741000":{"vr":"CS","Value":[%q]},
		"00741200":{"vr":"CS","Value":["LOW"]},"00741204":{"vr":"LO","Value":["Reconstruct"]},"00404005":{"vr":"DT","Value":["20260301080000"]},"00404041":{"vr":"CS","Value":["READY"]},
		"00404018":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["110005"]},"00080102":{"vr":"SH","Value":["DCM"]}}]}}]`, patient, state)
}

func stateOf(state, transaction string) string {
	return fmt.Sprintf(`{"00741000":{"vr":"CS","Value":[%q]},"00081195":{"vr":"UI","Value":[%q]}}`, state, transaction)
}

// testWorkitems takes a work item of a case's imaging order through its states.
func testWorkitems(t *testing.T, w *ward) {
	img := w.Token(t, "PractitionerRole/img-li")
	root := w.open(t, "C-UPS")
	order := w.Create(t, w.clin, fmt.Sprintf(`{"resourceType":"ServiceRequest","extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],"status":"active","intent":"order","priority":"urgent",
		"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]},"value":"ACC-77"}],
		"code":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}]},"subject":{"reference":%q},"authoredOn":"2026-03-01T10:00:00+08:00","occurrenceDateTime":"2026-03-02T09:00:00+08:00","requester":{"reference":"PractitionerRole/clin-wang"},
		"bodySite":[{"text":"Skull"}]}`, root, w.patients[0]))
	a := w.Expect(t, 201, w.send(w.clin, "POST", "/workitems?request="+order, ""))
	location := a.Header.Get("Location")
	path := location[strings.Index(location, "/workitems"):]
	uid := strings.TrimPrefix(path, "/workitems/")
	t.Run("made of the order", func(t *testing.T) {
		s := w.step(t, img, path)
		for tag, want := range map[string]string{"00100020": "P-1", "00741000": "SCHEDULED", "00741200": "HIGH", "00404005": "20260302090000+0800", "00080018": uid, "00404041": "READY", "00741204": "Skull"} {
			if got := s.value(tag); got != want {
				t.Errorf("%s = %q, want %q", tag, got, want)
			}
		}
		if s["0040A370"] == nil || !strings.Contains(string(s["0040A370"].Value[0]), "ACC-77") {
			t.Errorf("the request is told as %v", s["0040A370"])
		}
	})
	t.Run("R001-046 attacks", func(t *testing.T) { w.attackStep(t, img, path, order) })
	t.Run("search", func(t *testing.T) { w.searchSteps(t, img, uid) })
	events := w.subscribeSteps(t, img, uid)
	t.Run("states", func(t *testing.T) { w.perform(t, img, path, uid, root) })
	t.Run("events", func(t *testing.T) { w.eventsOf(t, events, uid) })
	t.Run("cancel", func(t *testing.T) { w.cancelStep(t, img) })
	t.Run("XML", func(t *testing.T) { w.stepsInXML(t, img, path) })
	t.Run("suspend, assigned, created", func(t *testing.T) { w.suspendSteps(t, img) })
}

// stepsInXML: a work item and a search as parts of XML.
func (w *ward) stepsInXML(t *testing.T, img, path string) {
	const xml = `multipart/related; type="application/dicom+xml"`
	for _, p := range []string{path, "/workitems?PatientID=P-1"} {
		a := w.Expect(t, 200, as(img, w.get(p, "Accept", xml)))
		if body := string(a.Body); !strings.HasPrefix(a.Header.Get("Content-Type"), xml) || strings.Count(body, "<NativeDicomModel") != 1 ||
			!strings.Contains(body, `tag="00741000" vr="CS" keyword="ProcedureStepState"`) || strings.Contains(body, "00081195") {
			t.Errorf("%s: %s %s", p, a.Header.Get("Content-Type"), body)
		}
	}
	w.stepsFromXML(t, img)
	w.Expect(t, 406, as(img, w.get(path, "Accept", "image/png")))
	w.Expect(t, 406, as(img, w.get("/workitems", "Accept", "image/png")))
	w.Expect(t, 404, as(w.designer, w.get(path, "Accept", xml)))
}

// stepsFromXML: work items are made and changed by XML, alone or as the part of a
// message.
func (w *ward) stepsFromXML(t *testing.T, img string) {
	document := func(object string) string {
		text, err := dicom.AppendXML(nil, []byte(strings.Trim(object, "[]")))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const related = `multipart/related; type="application/dicom+xml"; boundary=b`
	part := func(body string) string { return "--b\r\nContent-Type: application/dicom+xml\r\n\r\n" + body + "\r\n" }
	post := func(path, typ, body string, status int) {
		t.Helper()
		q := w.send(img, "POST", path, body)
		q.Header["Content-Type"] = typ
		w.Expect(t, status, q)
	}
	made := document(aStep("P-1", "SCHEDULED"))
	post("/workitems?1.2.88.1", "application/dicom+xml", made, 201)
	post("/workitems?1.2.88.2", related, part(made)+"--b--\r\n", 201)
	for typ, body := range map[string]string{"application/dicom+xml": made[:len(made)-9], related: part(made) + part(made) + "--b--\r\n", related + " ": part(made), "text/xml": made, "application/dicom+xml; x=1": "<!DOCTYPE x>" + made} {
		status := 400
		if typ == "text/xml" {
			status = 415
		}
		post("/workitems?1.2.88.3", typ, body, status)
	}
	post("/workitems/1.2.88.1", "application/dicom+xml", document(`{"00741204":{"vr":"LO","Value":["重建"]}}`), 200)
	for uid, want := range map[string]string{"1.2.88.1": "重建", "1.2.88.2": "Reconstruct"} {
		if s := w.step(t, img, "/workitems/"+uid); s.value("00741204") != want || s.value("00100020") != "P-1" {
			t.Errorf("%s is %v, want %s", uid, s, want)
		}
	}
	w.Expect(t, 404, as(img, w.get("/workitems/1.2.88.3", "Accept", stepJSON)))
}

// suspendSteps: after its suspension a global subscription tells of what is there,
// and of nothing new.
func (w *ward) suspendSteps(t *testing.T, img string) {
	const global = "/workitems/1.2.840.10008.5.1.4.34.5/subscribers/NEWS"
	w.Expect(t, 201, w.send(img, "POST", global, ""))
	told := make(chan string, 100)
	conn, _, err := websocket.Dial(t.Context(), w.URL+"/dicomweb/subscribers/NEWS", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + img}}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() //nolint:errcheck // the test ends
	go func() {
		for {
			_, b, err := conn.Read(context.WithoutCancel(t.Context()))
			if err != nil {
				return
			}
			told <- string(b)
		}
	}()
	event := func(kind int, has string) {
		t.Helper()
		select {
		case e := <-told:
			if !strings.Contains(e, fmt.Sprintf(`"00001002":{"vr":"US","Value":[%d]}`, kind)) || !strings.Contains(e, has) {
				t.Errorf("event %s, want kind %d with %s", e, kind, has)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event of kind %d", kind)
		}
	}
	w.Expect(t, 201, w.send(w.clin, "POST", "/workitems?1.2.826.0.10", aStep("P-2", "SCHEDULED")))
	event(1, "1.2.826.0.10")
	w.Expect(t, 200, w.send(w.clin, "POST", "/workitems/1.2.826.0.10", `{"00404025":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["CT7"]},"00080102":{"vr":"SH","Value":["L"]}}]},
		"00741002":{"vr":"SQ","Value":[{"00741004":{"vr":"DS","Value":[40]}}]}}`))
	event(3, `"00741004"`)
	event(5, "CT7")
	if a := w.Expect(t, 200, w.send(img, "GET", "/workitems?ScheduledStationNameCodeSequence.CodeValue=CT7&ProcedureStepState=SCHEDULED", "")); uids(t, a, "00080018") != "1.2.826.0.10" {
		t.Errorf("by station: %s", a.Body)
	}
	w.Expect(t, 204, w.send(img, "GET", "/workitems?ScheduledStationNameCodeSequence.CodeValue=CT7&ProcedureStepState=COMPLETED", ""))
	w.Expect(t, 401, w.send("", "POST", global+"/suspend", ""))
	w.Expect(t, 404, w.send(w.designer, "POST", global+"/suspend", "")) // it is another one's
	w.Expect(t, 404, w.send(img, "POST", strings.Replace(global, "NEWS", "OTHER", 1)+"/suspend", ""))
	w.Expect(t, 400, w.send(img, "POST", "/workitems/1.2.826.0.10/subscribers/NEWS/suspend", ""))
	w.Expect(t, 200, w.send(img, "POST", global+"/suspend", ""))
	w.Expect(t, 404, w.send(img, "POST", global+"/suspend", "")) // done
	w.Expect(t, 201, w.send(w.clin, "POST", "/workitems?1.2.826.0.11", aStep("P-2", "SCHEDULED")))
	w.Expect(t, 202, w.send(w.clin, "POST", "/workitems/1.2.826.0.10/cancelrequest", ""))
	event(1, "1.2.826.0.10") // and not 1.2.826.0.11 before it
}

type stepAttributes map[string]*struct{ Value []json.RawMessage }

func (s stepAttributes) value(tag string) string {
	if s[tag] == nil || len(s[tag].Value) == 0 {
		return ""
	}
	return strings.Trim(string(s[tag].Value[0]), `"`)
}

func (w *ward) step(t *testing.T, token, path string) stepAttributes {
	t.Helper()
	a := w.Expect(t, 200, as(token, w.get(path, "Accept", stepJSON)))
	var list []stepAttributes
	if err := json.Unmarshal(a.Body, &list); err != nil || len(list) != 1 {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return list[0]
}

func (w *ward) attackStep(t *testing.T, img, path, order string) {
	w.Expect(t, 404, as(w.designer, w.get(path, "Accept", stepJSON)))
	w.Expect(t, 404, w.send(w.designer, "POST", path, `{}`))
	w.Expect(t, 404, w.send(w.designer, "PUT", path+"/state", stateOf("IN PROGRESS", "1.2.3")))
	w.Expect(t, 404, w.send(w.designer, "POST", path+"/cancelrequest", ""))
	w.Expect(t, 404, w.send(w.designer, "POST", path+"/subscribers/SPY", ""))
	w.Expect(t, 404, w.send(w.designer, "POST", "/workitems?request="+order, ""))
	w.Expect(t, 204, w.send(w.designer, "GET", "/workitems", ""))
	w.Expect(t, 401, w.send("", "GET", "/workitems", ""))
	w.Expect(t, 404, w.send(img, "GET", "/workitems/1.2.3", ""))
	w.Expect(t, 400, w.send(img, "GET", "/workitems/1..3", ""))
	w.Expect(t, 400, w.send(img, "POST", path, `{"00741000":{"vr":"CS","Value":["COMPLETED"]}}`))
	w.Expect(t, 400, w.send(img, "POST", path, `{"00100020":{"vr":"LO","Value":["P-2"]}}`))
	w.Expect(t, 409, w.send(img, "POST", path+"?transaction-uid=1.2", `{"00741204":{"vr":"LO","Value":["x"]}}`))
	w.Expect(t, 400, w.send(img, "POST", "/workitems", aStep("P-9", "SCHEDULED")))
	w.Expect(t, 400, w.send(img, "POST", "/workitems", aStep("P-1", "IN PROGRESS")))
	w.Expect(t, 400, w.send(img, "POST", "/workitems", strings.Replace(aStep("P-1", "SCHEDULED"), `"00741204"`, `"00741202"`, 1)))
	w.Expect(t, 400, w.send(img, "POST", "/workitems?request="+order, aStep("P-2", "SCHEDULED")))
	w.Expect(t, 409, w.send(img, "POST", "/workitems?workitem="+strings.TrimPrefix(path, "/workitems/"), aStep("P-1", "SCHEDULED")))
	q := w.send(img, "POST", "/workitems", aStep("P-1", "SCHEDULED"))
	q.Header["Content-Type"] = "text/xml"
	w.Expect(t, 415, q)
}

func (w *ward) searchSteps(t *testing.T, img, uid string) {
	w.Expect(t, 201, w.send(w.clin, "POST", "/workitems?workitem=1.2.826.0.1", aStep("P-2", "SCHEDULED")))
	for query, want := range map[string]string{
		"":               "1.2.826.0.1 " + uid,
		"?PatientID=P-1": uid, "?PatientID=P-2": "1.2.826.0.1", "?PatientID=P-7": "", "?PatientName=smith*": "1.2.826.0.1",
		"?00404005=20260302": uid, "?ScheduledProcedureStepStartDateTime=20260301-20260301235959": "1.2.826.0.1", "?00404005=-20260301": "1.2.826.0.1",
		"?ProcedureStepState=SCHEDULED&limit=1": "1.2.826.0.1", "?limit=1&offset=1": uid, "?ReferencedRequestSequence.AccessionNumber=ACC-77": uid,
		"?ScheduledWorkitemCodeSequence.CodeValue=110005": "1.2.826.0.1", "?SOPInstanceUID=" + uid: uid,
	} {
		a := w.Send(t, w.send(w.clin, "GET", "/workitems"+query, ""))
		got := ""
		if a.Status == 200 {
			got = uids(t, a, "00080018")
		} else if a.Status != 204 {
			t.Errorf("GET /workitems%s = %d %s", query, a.Status, a.Body)
		}
		if got != want {
			t.Errorf("GET /workitems%s = %s, want %s", query, got, want)
		}
	}
	w.Expect(t, 400, w.send(img, "GET", "/workitems?Nonsense=1", ""))
}

// subscribeSteps opens the channel of the operator, and one of the designer, who
// subscribes to all.
func (w *ward) subscribeSteps(t *testing.T, img, uid string) <-chan string {
	t.Helper()
	w.Expect(t, 404, as(img, w.get("/subscribers/CT1"))) // nothing is subscribed
	a := w.Expect(t, 201, w.send(img, "POST", "/workitems/"+uid+"/subscribers/CT1?deletionlock=true", ""))
	if at := a.Header.Get("Content-Location"); !strings.HasPrefix(at, "ws://") || !strings.HasSuffix(at, "/dicomweb/subscribers/CT1") {
		t.Errorf("Content-Location = %s", at)
	}
	w.Expect(t, 400, w.send(img, "POST", "/workitems/"+uid+"/subscribers/CT1?lock=1", ""))
	w.Expect(t, 404, w.send(img, "DELETE", "/workitems/"+uid+"/subscribers/CT2", ""))
	w.Expect(t, 201, w.send(w.designer, "POST", "/workitems/1.2.840.10008.5.1.4.34.5/subscribers/CT1", ""))
	w.Expect(t, 201, w.send(img, "POST", "/workitems/1.2.840.10008.5.1.4.34.5.1/subscribers/ALL?filter=PatientID%3DP-2", ""))
	told := make(chan string, 100)
	for name, token := range map[string]string{"CT1": img, "ALL": img, "CT1 of the designer": w.designer} {
		title, _, _ := strings.Cut(name, " ")
		conn, _, err := websocket.Dial(t.Context(), w.URL+"/dicomweb/subscribers/"+title, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		go func() {
			for {
				_, b, err := conn.Read(context.WithoutCancel(t.Context()))
				if err != nil {
					return
				}
				told <- name + " " + string(b)
			}
		}()
	}
	return told
}

// perform takes the work item to its end.
func (w *ward) perform(t *testing.T, img, path, uid, root string) {
	state := path + "/state"
	w.Expect(t, 400, w.send(img, "PUT", state, stateOf("IN PROGRESS", "")))
	w.Expect(t, 400, w.send(img, "PUT", state, stateOf("DONE", "1.2.3.4")))
	w.Expect(t, 409, w.send(img, "PUT", state, stateOf("COMPLETED", "1.2.3.4")))
	w.Expect(t, 200, w.send(img, "PUT", state, stateOf("IN PROGRESS", "1.2.3.4")))
	w.Expect(t, 409, w.send(w.clin, "PUT", state, stateOf("IN PROGRESS", "1.2.3.5"))) // another performer
	for _, wrong := range []string{"", "?transaction-uid=1.2.3.5"} {
		if a := w.Expect(t, 400, w.send(w.clin, "POST", path+wrong, `{}`)); !strings.Contains(a.Header.Get("Warning"), "Transaction UID") {
			t.Errorf("Warning = %q", a.Header.Get("Warning"))
		}
	}
	if s := w.step(t, img, path); s.value("00081195") != "" || s.value("00741000") != "IN PROGRESS" {
		t.Errorf("the work item tells %q, %q", s.value("00081195"), s.value("00741000"))
	}
	w.Expect(t, 409, w.send(img, "PUT", state, stateOf("COMPLETED", "1.2.3.4"))) // nothing is told of what was done
	s := sample.New(sample.Options{Seed: 51, Slices: 1, PatientID: "P-2"})
	w.Expect(t, 200, w.stow(s.Slice(0)))
	w.Expect(t, 200, w.send(img, "POST", path+"?transaction-uid=1.2.3.4", `{"00741216":{"vr":"SQ","Value":[{"00404050":{"vr":"DT","Value":["20260302090500"]},"00404051":{"vr":"DT","Value":["20260302091500"]},
		"00404033":{"vr":"SQ","Value":[{"0020000D":{"vr":"UI","Value":["1.2.99"]}}]}}]}}`))
	w.Expect(t, 400, w.send(w.clin, "PUT", state, stateOf("COMPLETED", "1.2.3.5")))
	w.Expect(t, 200, w.send(img, "PUT", state, stateOf("COMPLETED", "1.2.3.4")))
	if a := w.Expect(t, 200, w.send(img, "PUT", state, stateOf("COMPLETED", "1.2.3.4"))); !strings.Contains(a.Header.Get("Warning"), "already") {
		t.Errorf("Warning = %q", a.Header.Get("Warning"))
	}
	w.Expect(t, 409, w.send(img, "PUT", state, stateOf("IN PROGRESS", "1.2.3.4")))
	w.Expect(t, 409, w.send(img, "POST", path+"?transaction-uid=1.2.3.4", `{}`))
	w.Expect(t, 409, w.send(img, "POST", path+"/cancelrequest", ""))
	t.Run("R001-039 its completion is seen in the case", func(t *testing.T) {
		a := w.Expect(t, 200, servertest.Request{Token: w.clin, Method: "GET", Path: "/fhir/Task?case=" + root + "&identifier=urn:oid:" + uid})
		if body := string(a.Body); !strings.Contains(body, `"status":"completed"`) || !strings.Contains(body, `"basedOn"`) {
			t.Errorf("the Task of the case: %s", body)
		}
	})
}

// eventsOf judges what the channels told: nothing to who does not reach it.
func (w *ward) eventsOf(t *testing.T, events <-chan string, uid string) {
	var got []string
	for len(got) < 3 {
		select {
		case e := <-events:
			got = append(got, e)
		case <-time.After(10 * time.Second):
			t.Fatalf("events: %v", got)
		}
	}
	for i, want := range []string{`"00741000":{"vr":"CS","Value":["IN PROGRESS"]}`, `"00001002":{"vr":"US","Value":[3]}`, `"00741000":{"vr":"CS","Value":["COMPLETED"]}`} {
		if !strings.HasPrefix(got[i], "CT1 {") || !strings.Contains(got[i], want) || !strings.Contains(got[i], uid) {
			t.Errorf("event %d = %s, want %s to CT1", i, got[i], want)
		}
	}
	w.Expect(t, 202, w.send(w.clin, "POST", "/workitems/1.2.826.0.1/cancelrequest", ""))
	select {
	case e := <-events:
		if !strings.HasPrefix(e, "ALL ") || !strings.Contains(e, "CANCELED") {
			t.Errorf("event %s, want one of the filtered subscription", e)
		}
	case <-time.After(10 * time.Second):
		t.Error("no event of the filtered subscription")
	}
	select {
	case e := <-events:
		t.Errorf("one event more: %s", e)
	case <-time.After(200 * time.Millisecond):
	}
}

func (w *ward) cancelStep(t *testing.T, img string) {
	path := "/workitems/1.2.826.0.2"
	w.Expect(t, 201, w.send(w.clin, "POST", "/workitems?1.2.826.0.2", aStep("P-2", "SCHEDULED")))
	w.Expect(t, 200, w.send(w.clin, "PUT", path+"/state", stateOf("IN PROGRESS", "1.9")))
	if a := w.Expect(t, 202, w.send(w.clin, "POST", path+"/cancelrequest", `{"00741238":{"vr":"LT","Value":["patient left"]}}`)); a.Status != 202 {
		t.Errorf("%v", a)
	}
	w.Expect(t, 200, w.send(w.clin, "PUT", path+"/state", stateOf("CANCELED", "1.9")))
	if a := w.Expect(t, 202, w.send(w.clin, "POST", path+"/cancelrequest", "")); !strings.Contains(a.Header.Get("Warning"), "already") {
		t.Errorf("Warning = %q", a.Header.Get("Warning"))
	}
	w.Expect(t, 409, w.send(w.clin, "PUT", path+"/state", stateOf("COMPLETED", "1.9")))
	if got := w.step(t, img, path).value("00741000"); got != "CANCELED" {
		t.Errorf("state %s", got)
	}
}
