package imaging

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
)

// TestQuery is QIDO-RS on both engines.
func TestQuery(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *ward) {
		w.fill(t)
		one, two, three := w.studies[0].StudyUID, w.studies[1].StudyUID, w.studies[2].StudyUID
		for _, c := range []struct {
			query string
			want  []string // newest first
		}{
			{"", []string{three, two, one}},
			{"fuzzymatching=true&PatientName=xiaodong wang", []string{one}},
			{"fuzzymatching=true&PatientName=Wang Xiao Dong", []string{one}},
			{"fuzzymatching=true&PatientName=王小东", []string{one}},
			{"fuzzymatching=true&PatientName=小东", []string{one}},
			{"fuzzymatching=true&PatientName=smith", []string{three, two}},
			{"fuzzymatching=true&PatientName=*ith*", []string{three, two}},
			{"fuzzymatching=true&PatientName=smith anna", []string{two}},
			{"fuzzymatching=true&00100010=smith anna&StudyDate=20260103", nil},
			{"fuzzymatching=false&PatientName=smith", nil},
			{"fuzzymatching=true&PatientName=mith", nil},
			{"fuzzymatching=true&PatientName=%_'\"", nil},
			{"StudyInstanceUID=" + one + "," + three, []string{three, one}},
			{"StudyInstanceUID=" + one + `\` + three, []string{three, one}},
			{"StudyDate=20260102-&PatientID=P-*", []string{three, two}},
			{"limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060,00080090,00100030", []string{three, two, one}},
			{"limit=101&offset=0&fuzzymatching=true&PatientName=*王*&StudyDate=20251101-20260131&ModalitiesInStudy=CT&includefield=all", []string{one}},
			{"limit=1&offset=1", []string{two}},
		} {
			t.Run("R000-024 "+c.query, func(t *testing.T) {
				query := strings.NewReplacer("%2C", ",", "%3D", "=", "%26", "&").Replace(url.QueryEscape(c.query))
				a := w.Expect(t, 200, w.get("/studies?"+query))
				if got := uids(t, a, "0020000D"); got != strings.Join(c.want, " ") {
					t.Errorf("studies = %v, want %v", got, c.want)
				}
				if more := strings.Contains(a.Header.Get("Warning"), "additional results"); more != strings.HasPrefix(c.query, "limit=1&") {
					t.Errorf("Warning = %q", a.Header.Get("Warning"))
				}
			})
		}
		t.Run("R001-046 out of reach is absent", func(t *testing.T) {
			for _, path := range []string{"/studies?fuzzymatching=true&PatientName=smith", "/series", "/instances", "/studies/" + one + "/instances"} {
				if a := w.Expect(t, 200, as(w.designer, w.get(path))); string(a.Body) != "[]" {
					t.Errorf("GET %s = %s", path, a.Body)
				}
			}
		})
		t.Run("every level and path", func(t *testing.T) {
			s := w.studies[0]
			for path, n := range map[string]int{"/series": 3, "/instances": 6, "/studies/" + one + "/series": 1, "/studies/" + one + "/instances": 3,
				"/studies/" + one + "/series/" + s.SeriesUID + "/instances": 3, "/studies/" + one + "/series/1.2.3/instances": 0,
				"/series?RequestAttributesSequence.RequestedProcedureID=none": 0, "/series?00400275.00400009=*": 3} {
				if got := len(arrayOf(t, w.Expect(t, 200, w.get(path)))); got != n {
					t.Errorf("GET %s: %d answers, want %d", path, got, n)
				}
			}
		})
		t.Run("unknown attributes", func(t *testing.T) {
			for _, path := range []string{"/studies?PatientNane=x", "/studies?includefield=Nothing", "/studies?KVP=120", "/studies?DerivationCodeSequence.PatientID=P-1"} {
				w.Expect(t, 400, w.get(path))
			}
		})
		t.Run("XML", func(t *testing.T) {
			a := w.Expect(t, 200, w.get("/studies?PatientID=P-1", "Accept", `multipart/related; type="application/dicom+xml"`))
			parts := partsOf(t, a)
			var model struct {
				XMLName   xml.Name
				Attribute []struct {
					Keyword string `xml:"keyword,attr"`
				} `xml:"DicomAttribute"`
			}
			if len(parts) != 1 || xml.Unmarshal(parts[0], &model) != nil || model.XMLName.Local != "NativeDicomModel" || len(model.Attribute) < 15 {
				t.Errorf("answer = %s", a.Body)
			}
			w.Expect(t, 204, w.get("/studies?PatientID=none", "Accept", "application/dicom+xml"))
		})
		t.Run("entity tag and compression", func(t *testing.T) {
			a := w.Expect(t, 200, w.get("/studies"))
			w.Expect(t, 304, w.get("/studies", "If-None-Match", a.Header.Get("ETag")))
			zipped := w.Expect(t, 200, w.get("/studies", "Accept-Encoding", "gzip"))
			if zipped.Header.Get("Content-Encoding") != "gzip" || string(gunzip(t, zipped.Body)) != string(a.Body) {
				t.Errorf("Content-Encoding = %q", zipped.Header.Get("Content-Encoding"))
			}
		})
	})
}
