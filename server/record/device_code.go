package record

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/udi"
)

// A device that a case made for a patient has a batch number and a code that no
// other such device of any case has (clauses 6.2.1, 7.1.3). Each is a key of the
// store under which the first device stands: the key is taken in the commit that
// writes the device, so that two at once cannot both have it, and is never given
// back, so that no number comes a second time.
//
//	lot|manufacturer|lotNumber   code|distinctIdentifier   udi|DI with lot or serial

// codeDoor is the door of these keys.
const codeDoor = "device-code"

// codes takes the numbers of the devices that the draft writes into cases.
func (p *preparation) codes() error {
	for i, w := range p.writes {
		if w == nil || w.typ != "Device" || w.op.Method == "DELETE" || w.root.Path("patient", "reference").Str() == "" || !p.inCase(w) {
			continue
		}
		for _, c := range deviceCodes(w.root) {
			if err := p.take(c, w); err != nil {
				return at(err, i, p.draft)
			}
		}
	}
	return nil
}

// inCase tells whether what is written is a member of a case.
func (p *preparation) inCase(w *write) bool {
	for _, c := range p.cases {
		if c.members[w.typ+"/"+w.id] {
			return true
		}
	}
	return false
}

// deviceCode is one number of a device: where it stands, and its key.
type deviceCode struct{ element, value, key string }

func deviceCodes(device tree.Node) (all []deviceCode) {
	add := func(element, value, key string) {
		c := deviceCode{element, value, key}
		if value != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	lot, code := strings.TrimSpace(device.Field("lotNumber").Str()), strings.TrimSpace(device.Field("distinctIdentifier").Str())
	add("Device.lotNumber", lot, "lot|"+device.Field("manufacturer").Str()+"|"+lot)
	add("Device.distinctIdentifier", code, "code|"+code)
	for carrier := range device.Field("udiCarrier").Items() {
		hrf := carrier.Field("carrierHRF").Str()
		agency, known := udi.AgencyOf(carrier.Field("issuer").Str())
		if !known {
			agency, known = udi.Recognise(hrf)
		}
		if !known {
			continue
		}
		// What names a unit, not a batch of many: a serial number, or for a device
		// made once its lot.
		if u, err := udi.ParseAs(agency, hrf, udiYear); err == nil && u.Produced() {
			add("Device.udiCarrier", hrf, fmt.Sprintf("udi|%v|%s|%s|%s", u.Agency, u.DI, u.Lot, u.Serial))
		}
	}
	return all
}

// udiYear reads two-digit years; dates are in no key.
const udiYear = 2026

// take asks for a number: it is free, or the device has it already.
func (p *preparation) take(c deviceCode, w *write) error {
	ref := w.typ + "/" + w.id
	k := Key{Door: codeDoor, Key: c.key, Digest: sha256.Sum256([]byte(ref)), Ref: ref}
	seen, err := p.r.o.Store.KeySeen(p.ctx, k.Door, k.Key)
	if err != nil {
		return fmt.Errorf("record: device codes: %w", err)
	}
	mine := slices.IndexFunc(p.unit.Keys, func(o Key) bool { return o.Door == k.Door && o.Key == k.Key })
	switch {
	case seen != nil && seen.Digest == k.Digest, mine >= 0 && p.unit.Keys[mine].Digest == k.Digest:
		return nil
	case seen != nil || mine >= 0:
		return issue.Errorf(issue.Duplicate, "%q is the number of another device; a device that is made for one patient has one of its own.", c.value).
			At(c.element).Rule("device-code-taken").Clause("R001-158 R001-170").WithStatus(409).Chinese("该批号或编码已用于另一件器械，定制器械须有唯一编号。")
	}
	p.unit.Keys = append([]Key{k}, p.unit.Keys...) // the draft's own stay last, and the draft as it is
	return nil
}
