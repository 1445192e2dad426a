package demo

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/geometry"
	"tenon/dicomweb/sample"
)

// study is the imaging study of the case.
type study struct {
	uid, ref  string
	consented string    // Consent.dateTime; the examination is asked for at once
	request   string    // ServiceRequest/x
	started   string    // as ImagingStudy has it
	files     [][]byte  // Part 10
	taken     time.Time // day of the study, when it came from a folder
}

// readImages reads the series of --images once.
func (s *story) readImages() {
	if s.o.Images == "" || s.study.files != nil {
		return
	}
	names, err := filepath.Glob(filepath.Join(s.o.Images, "*"))
	must(err)
	slices.Sort(names)
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			s.study.files = append(s.study.files, readFile(name))
		}
	}
	if len(s.study.files) == 0 {
		stop(fmt.Errorf("%s holds no DICOM files", s.o.Images))
	}
	s.study.taken = studyDate(s.study.files[0])
}

func studyDate(file []byte) time.Time {
	f, err := dicom.Read(bytes.NewReader(file), dicom.Options{StopAtPixels: true})
	must(err)
	e, _ := f.Find(-1, 0x00080020)
	if e == nil {
		stop(fmt.Errorf("the images have no StudyDate"))
	}
	at, err := time.Parse("20060102", strings.TrimSpace(string(f.Bytes(e))))
	must(err)
	return at
}

// imageAge is how old the images may be at use, in days: a real series may be old.
func (s *story) imageAge() float64 {
	if s.readImages(); s.study.taken.IsZero() {
		return 90
	}
	return float64(int(time.Since(s.study.taken).Hours()/24) + 30)
}

// consentTime is before the examination: now, or a day before a series that was
// taken long ago.
func (s *story) consentTime() string {
	if s.study.taken.IsZero() {
		return s.now().Format(time.RFC3339)
	}
	return day(s.study.taken.AddDate(0, 0, -1))
}

// synthetic makes a CT series of a phantom.
func (s *story) synthetic() {
	f := &s.figures
	o := sample.Options{
		Seed: s.o.Seed, PatientID: f.record, PatientName: f.family[1] + "^" + f.given[1] + "=" + f.family[0] + "^" + f.given[0],
		BirthDate: f.born.Format("20060102"), Sex: strings.ToUpper(f.gender[:1]), Thickness: f.spacing, Spacing: 0.7, Acquired: s.now(), Accession: "ACC" + f.serial,
	}
	series := sample.New(o)
	for i := range series.Len() {
		s.study.files = append(s.study.files, series.Slice(i))
	}
}

// imaging is S02: the operator stores the series by STOW-RS and signs the
// acquisition.
func (s *story) imaging() {
	c := s.course
	c.head("S02")
	s.skipAhead()
	c.begin(s.img, "S02")
	if s.study.files == nil {
		s.synthetic()
	}
	s.study.request = s.create(s.clin, s.ofCase(s.examination()))
	s.truncated()
	lost := len(s.study.files) / 2
	s.stow(slices.Delete(slices.Clone(s.study.files), lost, lost+1)...)
	c.name(s.img, "S02", output{"examination-request", s.study.request}, output{"image-study", s.study.ref})
	c.signs(s.img, "acquisition", s.study.ref)
	s.imagesMeasured(1)
	s.refused("S02", refusal{"slice-missing", 422, "protocol-limits", "Task.status"}, patch(s.img, c.task("S02"), step(s.img, "completed")))
	s.stow(s.study.files[lost])
	s.qido()
	c.signs(s.img, "acquisition", s.study.ref)
	s.imagesMeasured(0)
	s.beforeDisclosure()
	s.answersIf(s.clin, "S02", "protocol-limits")
	c.complete(s.img, "S02")
}

// imagesMeasured waits until the server has measured the study as it is, with so many
// slices missing.
func (s *story) imagesMeasured(missing int) {
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		for _, o := range s.find(s.img, "Observation?code=urn:tenon:image|geometry&derived-from="+s.study.ref) {
			for _, c := range items(o, "component") {
				if str(c, "code", "coding", "code") == "missing-slices" && fmt.Sprint(get(c, "valueInteger")) == fmt.Sprint(missing) {
					s.tell.note("S02", "the server measured the images: %d missing, Observation/%s", missing, str(o, "id"))
					return
				}
			}
		}
	}
	stop(fmt.Errorf("%s was not measured with %d slices missing within %v", s.study.ref, missing, timeout))
}

// answersIf signs for a condition where the server cannot evaluate it: real images
// need not say all that the protocol asks for.
func (s *story) answersIf(by *person, stage, condition string) {
	for _, p := range s.course.look()[stage].unmet {
		if p.rule == condition {
			s.course.answers(by, condition)
			return
		}
	}
	s.tell.line(stage, by, "%s is computed from the headers: nobody need answer for it", condition)
}

// examination is what the clinician asks of imaging, after the consent and before
// the images are taken: method, site and the limits of the protocol.
func (s *story) examination() obj {
	return obj{
		"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": ref(s.patient.ref), "requester": ref(s.clin.ref),
		"code": obj{"coding": arr{obj{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": s.medical().method}}}, "authoredOn": s.study.consented,
		"bodySite": arr{s.medical().site}, "extension": arr{obj{"url": tenon + "extension:protocol", "extension": s.protocol()}},
	}
}

// protocol are the limits of the acquisition.
func (s *story) protocol() arr {
	if s.socket() {
		return arr{obj{"url": "contour", "valueQuantity": quantity(0.5, "mm")}}
	}
	made := s.headers()
	return arr{
		obj{"url": "slice-thickness", "valueQuantity": quantity(made.Thickness.Most, "mm")}, obj{"url": "pixel-spacing", "valueQuantity": quantity(made.Pixel.Most, "mm")},
		obj{"url": "kernel", "valueString": "BONE"}, obj{"url": "algorithm", "valueString": "none"},
		obj{"url": "grey-value", "valueString": "HU, rescale given; bone window"},
	}
}

// headers are what the files say of how they were made: a protocol for a series
// that was taken long ago asks for what was possible then.
func (s *story) headers() geometry.Report {
	var images []*geometry.Image
	for _, file := range s.study.files {
		f, err := dicom.Read(bytes.NewReader(file), dicom.Options{StopAtPixels: true})
		must(err)
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{})
		i, err := geometry.Read(&geometry.Header{Metadata: text})
		must(err)
		images = append(images, i)
	}
	return geometry.Measure(images)
}

// skipAhead tries to complete the stage that was only handed over, by PATCH and by
// PUT of the whole Task.
func (s *story) skipAhead() {
	task := s.course.task("S02")
	s.shuffled(
		func() {
			s.refused("S02", refusal{"skipped-stage-by-patch", 409, "transition", "Task.status"}, patch(s.img, task, step(s.img, "completed")))
		},
		func() {
			o := s.read(s.img, task)
			o["status"], o["businessStatus"], o["owner"] = "completed", code("substate", "completed"), ref(s.img.ref)
			s.refused("S02", refusal{"skipped-stage-by-put", 409, "transition", "Task.status"},
				request{as: s.img, method: "PUT", path: "/fhir/" + task, body: o})
		})
}

// related is the body of STOW-RS.
func related(files ...[]byte) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range files {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		must(err)
		_, err = part.Write(f)
		must(err)
	}
	must(w.Close())
	return b.Bytes(), `multipart/related; type="application/dicom"; boundary=` + w.Boundary()
}

// stowRequest names patient and case in the URL (our extension); without it the
// Patient ID in the files must identify the patient.
func (s *story) stowRequest(files ...[]byte) request {
	body, contentType := related(files...)
	return request{
		as: s.img, method: "POST", path: "/dicomweb/studies?patient=" + s.patient.ref + "&task=" + s.course.root,
		raw: body, contentType: contentType, header: map[string]string{"Accept": "application/dicom+json"},
	}
}

// truncated sends a file whose end was lost on the way.
func (s *story) truncated() {
	file := s.study.files[0]
	s.refused("S02", refusal{"truncated-dicom", 409, "00081197=49152", ""}, s.stowRequest(file[:len(file)*2/3]))
}

func (s *story) stow(files ...[]byte) {
	began := time.Now()
	a := s.web.expect(200, s.stowRequest(files...))
	stored := dicomItems(a.json(), "00081199")
	url := fmt.Sprint(dicomFirst(a.json(), "00081190"))
	s.study.uid = url[strings.LastIndex(url, "/")+1:]
	s.tell.line("S02", s.img, "%d %s stores %d of %d instances by STOW-RS in %v: study %s", a.status, s.img.name, len(stored), len(files),
		time.Since(began).Round(time.Millisecond), s.study.uid)
	found := s.find(s.img, "ImagingStudy?identifier=urn:dicom:uid|urn:oid:"+s.study.uid)
	if len(found) != 1 {
		stop(fmt.Errorf("%d ImagingStudy for the study %s", len(found), s.study.uid))
	}
	s.study.ref, s.study.started = "ImagingStudy/"+str(found[0], "id"), str(found[0], "started")
}

// qido asks for the study and one instance back, and compares the bytes.
func (s *story) qido() {
	a := s.web.expect(200, s.dicom(s.img, "/instances?limit=1", "application/dicom+json"))
	var found []obj
	decode(a, &found)
	instance := fmt.Sprintf("/series/%s/instances/%s", dicomFirst(found[0], "0020000E"), dicomFirst(found[0], "00080018"))
	got := s.web.expect(200, s.dicom(s.img, instance, "application/dicom"))
	same := false
	for _, f := range s.study.files {
		same = same || bytes.Contains(got.body, f)
	}
	if !same {
		stop(&Unexpected{got.request, "the bytes that were stored", fmt.Sprintf("%d other bytes", len(got.body)), ""})
	}
	s.tell.line("S02", s.img, "%d %s finds it by QIDO-RS and gets the same bytes back by WADO-RS: %s", got.status, s.img.name, s.study.ref)
}

func (s *story) dicom(by *person, path, accept string) request {
	return request{as: by, method: "GET", path: "/dicomweb/studies/" + s.study.uid + path, header: map[string]string{"Accept": accept}}
}
