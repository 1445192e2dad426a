package hospital

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Systems of the identifiers and codes that the hospital gives itself.
const (
	MRN    = "urn:hospital:mrn"    // of patients, "M0000007"
	Method = "urn:hospital:method" // of measuring, "m00" to "m99"
	Number = "urn:hospital:number" // of anything else
)

// Sizes of the house and of what is made for one patient.
const (
	Practitioners = 40
	Wards         = 20
	PerPatient    = 50 // resources of one patient's bundle
	Observations  = 30 // of them
)

// First is the first day of the hospital's record, Days how many it spans.
var First = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)

// Days is how many days the record spans.
const Days = 1000

// Hospital makes resources. It keeps nothing: any resource can be made at any
// time, from any goroutine.
type Hospital struct {
	seed     uint64
	patients int
}

// New is a hospital with so many patients, whose visits fill the span of days.
func New(seed uint64, patients int) *Hospital {
	return &Hospital{seed: seed, patients: max(1, patients)}
}

// Patients is how many it has.
func (h *Hospital) Patients() int { return h.patients }

// House is the transaction that brings the organisations, practitioners and
// wards, under ids that the bundles of patients refer to; it needs a caller who
// may choose ids.
func (h *Hospital) House() []byte {
	b := &bundle{}
	for i, name := range []string{"Longhua 医院 General Hospital", "平安 Insurance Mutual"} {
		id := []string{"house", "insurer"}[i]
		b.put("Organization", id, `{"resourceType":"Organization","id":%q,"active":true,"identifier":[{"system":%q,"value":"O%d"}],"name":%q,"address":[{"city":"上海","country":"CN"}]}`,
			id, Number, i, name)
	}
	for i := range Practitioners {
		r := h.random(1, uint64(i))
		p := person(r, i)
		id := fmt.Sprintf("practitioner-%d", i)
		b.put("Practitioner", id, `{"resourceType":"Practitioner","id":%q,"active":true,"identifier":[{"system":%q,"value":"D%04d"}],"name":%s,"gender":%q}`, id, Number, i, p.names, p.gender)
	}
	for i := range Wards {
		id := fmt.Sprintf("ward-%d", i)
		b.put("Location", id, `{"resourceType":"Location","id":%q,"status":"active","identifier":[{"system":%q,"value":"W%02d"}],"name":"病区 Ward %d","mode":"instance","managingOrganization":{"reference":"Organization/house"}}`,
			id, Number, i, i)
	}
	return b.bytes()
}

// HouseSize is how many resources House brings.
const HouseSize = 2 + Practitioners + Wards

// random is the source of the n-th thing of a kind.
func (h *Hospital) random(kind, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(h.seed<<8|kind, n)) //nolint:gosec // not secret: it must repeat
}

// Visit is the day on which the i-th patient comes.
func (h *Hospital) Visit(i int) time.Time {
	return First.AddDate(0, 0, i*Days/h.patients)
}

// bundle is a transaction in the making.
type bundle struct {
	b []byte
	n int
}

func (b *bundle) open() {
	if b.n++; b.n == 1 {
		b.b = append(b.b, `{"resourceType":"Bundle","type":"transaction","entry":[`...)
		return
	}
	b.b = append(b.b, ',')
}

// put adds a resource under an id of its own.
func (b *bundle) put(typ, id, format string, args ...any) {
	b.open()
	b.b = append(b.b, `{"resource":`...)
	b.b = fmt.Appendf(b.b, format, args...)
	b.b = fmt.Appendf(b.b, `,"request":{"method":"PUT","url":"%s/%s"}}`, typ, id)
}

// post adds a resource that others of the bundle refer to by its full URL.
func (b *bundle) post(typ, full string, resource []byte) {
	b.open()
	b.b = append(b.b, '{')
	if full != "" {
		b.b = fmt.Appendf(b.b, `"fullUrl":%q,`, full)
	}
	b.b = append(b.b, `"resource":`...)
	b.b = append(b.b, resource...)
	b.b = fmt.Appendf(b.b, `,"request":{"method":"POST","url":%q}}`, typ)
}

func (b *bundle) bytes() []byte { return append(b.b, `]}`...) }
