package hospital

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// LOINC is the system of the codes of what is measured.
const LOINC = "http://loinc.org"

// measured is what can be measured, its UCUM unit, and where values lie.
type measured struct {
	code, display, unit, category string
	low, width                    float64
}

// Codes are the codes of the Observations; each has a tenth of them. The last
// one is a panel with components.
var Codes = [10]string{"8867-4", "8310-5", "29463-7", "8302-2", "9279-1", "2708-6", "2339-0", "718-7", "6690-2", "85354-9"}

var measures = [10]measured{
	{"8867-4", "Heart rate", "/min", "vital-signs", 45, 100}, {"8310-5", "Body temperature", "Cel", "vital-signs", 35, 6},
	{"29463-7", "Body weight", "kg", "vital-signs", 40, 80}, {"8302-2", "Body height", "cm", "vital-signs", 140, 60},
	{"9279-1", "Respiratory rate", "/min", "vital-signs", 10, 20}, {"2708-6", "Oxygen saturation", "%", "vital-signs", 85, 15},
	{"2339-0", "Glucose", "mg/dL", "laboratory", 60, 140}, {"718-7", "Hemoglobin", "g/dL", "laboratory", 8, 10},
	{"6690-2", "Leukocytes", "10*3/uL", "laboratory", 2, 12}, {"85354-9", "Blood pressure panel", "mm[Hg]", "vital-signs", 90, 80},
}

// Observation is the n-th of all, about a patient and an encounter.
func (h *Hospital) Observation(n int, patient, encounter string, at time.Time) []byte {
	r := h.random(3, uint64(n))
	m := measures[n%len(measures)]
	method := (n*7 + n/100) % 100
	at = at.Add(time.Duration(r.IntN(72*3600)) * time.Second)
	b := fmt.Appendf(nil, `{"resourceType":"Observation","identifier":[{"system":%q,"value":"B%08d"}],"status":"final",`+
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":%q}]}],`+
		`"code":{"coding":[{"system":%q,"code":%q,"display":%q}],"text":%q},"subject":{"reference":%q},"encounter":{"reference":%q},`+
		`"effectiveDateTime":%q,"issued":%q,"performer":[{"reference":"Practitioner/practitioner-%d"}],`+
		`"method":{"coding":[{"system":%q,"code":"m%02d"}],"text":%q},`,
		Number, n, m.category, LOINC, m.code, m.display, m.display, patient, encounter,
		at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339), r.IntN(Practitioners), Method, method, remarks[method])
	if n%len(measures) == len(measures)-1 {
		b = append(b, `"component":[`...)
		b = component(b, "8480-6", "Systolic blood pressure", value(r, 100, 80))
		b = append(b, ',')
		b = component(b, "8462-4", "Diastolic blood pressure", value(r, 50, 50))
		return append(b, `]}`...)
	}
	b = append(b, `"valueQuantity":`...)
	b = quantity(b, value(r, m.low, m.width), m.unit)
	return append(b, '}')
}

func component(b []byte, code, display, value string) []byte {
	b = fmt.Appendf(b, `{"code":{"coding":[{"system":%q,"code":%q,"display":%q}]},"valueQuantity":`, LOINC, code, display)
	return append(quantity(b, value, "mm[Hg]"), '}')
}

func quantity(b []byte, value, unit string) []byte {
	return fmt.Appendf(b, `{"value":%s,"unit":%q,"system":"http://unitsofmeasure.org","code":%q}`, value, unit, unit)
}

func value(r *rand.Rand, low, width float64) string {
	return fmt.Sprintf("%.1f", low+width*r.Float64())
}

// remarks are what the methods are called, each by a text of its own.
var remarks = func() (all [100]string) {
	words := strings.Fields("standing seated lying resting fasting automatic manual repeated calibrated confirmed")
	for i := range all {
		all[i] = words[i/10] + " " + words[i%10] + " 测量"
	}
	return all
}()
