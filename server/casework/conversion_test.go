package casework_test

import (
	"testing"

	"tenon/server/casework"
)

// Software that converts or repairs data is verified in its version, with the
// deviation of the geometry before and after; otherwise no design passes.
func TestConversionIsValidated(t *testing.T) {
	aspects := arr{ext("validated-version", "valueString", "5.2.0"), ext("verified-aspect", "valueCode", "compatibility"),
		ext("verified-aspect", "valueCode", "conversion-correct"), ext("verified-aspect", "valueCode", "conversion-complete")}
	deviating := func(value, unit string) removal {
		return verification("vr-cad", "extension", append(arr{ext("round-trip-deviation", "valueQuantity", quantity(value, unit))}, aspects...))
	}
	for _, p := range []*process{implant, socket} {
		for _, c := range []struct {
			name, want string
			change     removal
		}{
			{"at the limit", "", deviating("0.1", "mm")},
			{"in another unit", "software-aspects", deviating("0.05", "cm")},
			{"beyond the limit", "software-aspects", deviating("0.101", "mm")},
			{"less than nothing", "software-aspects", deviating("-0.01", "mm")},
			{"not measured", "software-aspects", verification("vr-cad", "extension", aspects)},
			{"completeness not verified", "software-aspects", verification("vr-cad", "extension", append(arr{ext("round-trip-deviation", "valueQuantity", quantity("0.01", "mm"))}, aspects[:3]...))},
			{"not validated", "software-aspects", verification("vr-cad", "status", "val-fail")},
			{"another version made the model", "tool-chain", otherVersion("DocumentReference/model")},
		} {
			t.Run("R000-039 "+p.plan+" "+c.name, func(t *testing.T) {
				w := p.at(t, "S09", casework.Stop)
				c.change(w)
				d := p.try(w, "S09", casework.Stop)
				if c.want != "" {
					refused(t, d, 422, "G-VERIFY", c.want)
				} else if len(d.Refusal) > 0 {
					t.Errorf("refused: %s", told(d.Refusal))
				}
			})
		}
	}
}
