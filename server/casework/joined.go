package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/tree"
)

// gateUse and gateConsent guard what is written beside the stages.
const (
	gateUse     = "G-USE"
	gateConsent = "G-CONSENT"
)

// joined judges a resource that is new in the case: images need a consent, and a
// device is used after its release, on its patient, while it is in order.
func (d *decider) joined(now *Resource) {
	switch now.Type {
	case "ImagingStudy":
		d.imaged(now)
	case "Procedure", "DeviceUseStatement":
		d.used(now)
	}
}

// imaged refuses images of a patient who did not consent (clause 4.3).
func (d *decider) imaged(now *Resource) {
	s := d.after.consentStage()
	if s == nil || d.after.completed(s.Code) && d.after.consentCovers("examination", nil) {
		return
	}
	d.refuse(409, Unmet{Gate: gateConsent, Condition: "consent-before-images", State: Unsatisfied, Clause: "R001-036",
		Text:    fmt.Sprintf("%s cannot join the case: no signed consent in force permits the examination.", now.Ref()),
		Chinese: fmt.Sprintf("%s 不能加入病例：没有已签署且有效的检查知情同意。", now.Ref())})
}

// used refuses the use of a device of the case that is not released, not in order
// or another patient's (clauses 5.6.2, 5.6.3, 9.3.1, 9.3.5, 9.4.1).
func (d *decider) used(now *Resource) {
	if !tookPlace(now.Root) {
		return
	}
	for _, device := range d.after.made() {
		if !slices.Contains(devicesOf(now.Root), device.Ref()) {
			continue
		}
		unmet := d.after.unfit(device)
		if subject := referenceOf(now.Root.Field("subject")); subject != referenceOf(device.Root.Field("patient")) || subject != d.after.patient {
			unmet = append(unmet, Unmet{Gate: gateUse, Condition: "right-patient", State: Unsatisfied, Clause: "R001-153",
				Text:    fmt.Sprintf("%s was made for another patient than %q.", device.Ref(), subject),
				Chinese: fmt.Sprintf("%s 不是为该患者定制的。", device.Ref())})
		}
		if at := elsewhere(now.Root, d.after.hospital); at != "" {
			unmet = append(unmet, Unmet{Gate: gateUse, Condition: "right-hospital", State: Unsatisfied, Clause: "R001-153",
				Text:    fmt.Sprintf("%s was ordered by another hospital than %s.", device.Ref(), at),
				Chinese: fmt.Sprintf("%s 不是由该医疗机构订购。", device.Ref())})
		}
		d.refuse(409, unmet...)
	}
}

// elsewhere is an organisation other than the hospital on whose behalf a use was
// performed, or "".
func elsewhere(use tree.Node, hospital string) string {
	for p := range use.Field("performer").Items() {
		if at := referenceOf(p.Field("onBehalfOf")); at != "" && at != hospital {
			return at
		}
	}
	return ""
}

// unfit says why a device may not be used now.
func (v *view) unfit(device *Resource) []Unmet {
	var all []Unmet
	for _, s := range v.plan.Stages {
		if slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.Gate == gateUse }) && !v.completed(s.Code) {
			all = append(all, Unmet{Gate: gateUse, Condition: "released-for-use", State: Unsatisfied, Clause: "R001-208 R001-212",
				Text:    fmt.Sprintf("%s is not released for use: %s is not completed.", device.Ref(), s.Code),
				Chinese: fmt.Sprintf("%s 尚未准予使用：%s 未完成。", device.Ref(), s.Code)})
		}
	}
	if !slices.Contains(v.named("device"), device) {
		all = append(all, Unmet{Gate: gateUse, Condition: "device-superseded", State: Unsatisfied, Clause: "R001-153 R001-215",
			Text: fmt.Sprintf("%s is not the device of the case: production has not named it, or was opened anew since.", device.Ref()), Chinese: fmt.Sprintf("%s 不是本病例当前的器械：生产未将其列出，或生产已重新开启。", device.Ref())})
	}
	if status := device.Root.Field("status").Str(); status != "active" {
		all = append(all, Unmet{Gate: gateUse, Condition: "device-in-order", State: Unsatisfied, Clause: "R001-215 R001-152",
			Text: fmt.Sprintf("%s is %s.", device.Ref(), status), Chinese: fmt.Sprintf("%s 状态为 %s。", device.Ref(), status)})
	}
	return all
}

// UsedDevices are the devices that a Procedure or DeviceUseStatement says were
// used: by reference ("Device/x") and by identifier alone. A use that did not
// take place uses none.
func UsedDevices(use tree.Node) (refs []string, identifiers []tree.Node) {
	if !tookPlace(use) {
		return nil, nil
	}
	named := func(list tree.Node) {
		for n := range list.Items() {
			if n.Field("reference").Str() == "" && n.Path("identifier", "value").Str() != "" {
				identifiers = append(identifiers, n.Field("identifier"))
			}
		}
	}
	named(use.Field("device"))
	named(use.Field("usedReference"))
	for focal := range use.Field("focalDevice").Items() {
		named(focal.Field("manipulated"))
	}
	return devicesOf(use), identifiers
}

// devicesOf are the devices that a record of use names.
func devicesOf(use tree.Node) []string {
	refs := referencesOf(use.Field("device"))
	for focal := range use.Field("focalDevice").Items() {
		refs = append(refs, referencesOf(focal.Field("manipulated"))...)
	}
	return append(refs, referencesOf(use.Field("usedReference"))...)
}
