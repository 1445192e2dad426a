package record

import (
	"fmt"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// joinUse holds the use of a device that a case made for a patient against that
// patient, whoever writes it and however the device is named: on another one it
// is refused (clause 5.6.3), on this one it joins the case, where G-USE judges
// whether the device was released. Who is not let into the case uses it in
// another hospital than the one that ordered it.
func (p *preparation) joinUse(w *write) error {
	if w.typ != "Procedure" && w.typ != "DeviceUseStatement" {
		return nil
	}
	used, err := p.usedDevices(w.root)
	if err != nil {
		return err
	}
	for _, device := range used {
		cases, err := p.casesOf("Device", device.id)
		if err != nil {
			return err
		}
		if device.patient == "" || len(cases) == 0 {
			continue
		}
		if subject := p.r.about(w.root, w.id); subject != device.patient {
			return misused("right-patient", fmt.Sprintf("Device/%s was made for another patient than %q; it is used on that one only.", device.id, subject), "该器械是为另一名患者定制的，只能用于指定患者。")
		}
		if err := p.enterAll(cases, w, "Device"); err != nil {
			return err
		}
		if !slices.ContainsFunc(cases, func(c string) bool { return p.cases[c] != nil && p.cases[c].members[w.typ+"/"+w.id] }) {
			return misused("right-hospital", fmt.Sprintf("Device/%s is used by the hospital that ordered it only.", device.id), "该器械只能由订购它的医疗机构使用。")
		}
	}
	return nil
}

func misused(condition, english, chinese string) error {
	return issue.Errorf(issue.BusinessRule, "%s", english).Rule("G-USE/" + condition).Clause("R001-153").WithStatus(409).Chinese(chinese)
}

type usedDevice struct{ id, patient string }

// usedDevices finds the devices of a use, beyond the caller's reach too: that a
// device is somebody else's is no secret to the one who implants it.
func (p *preparation) usedDevices(use tree.Node) ([]usedDevice, error) {
	refs, identifiers := casework.UsedDevices(use)
	for _, id := range identifiers {
		found, err := p.identified(id)
		if err != nil {
			return nil, err
		}
		refs = append(refs, found...)
	}
	var all []usedDevice
	for _, ref := range refs {
		typ, id, ok := p.r.local(ref)
		if !ok || typ != "Device" {
			continue
		}
		if made := p.writeOf(typ, id); made != nil {
			all = append(all, usedDevice{id, p.r.about(made.root, id)})
			continue
		}
		v, err := p.r.current(p.ctx, access.Everything{}, typ, id)
		if err != nil {
			return nil, err
		}
		if v != nil && !v.Deleted {
			all = append(all, usedDevice{id, v.Patient})
		}
	}
	return all, nil
}

// deviceNames are the search parameters by which a device is found that a use
// names by an identifier: what is printed on it.
var deviceNames = []string{"identifier", "udi-carrier", "distinct-identifier", "serial-number"}

func (p *preparation) identified(id tree.Node) (refs []string, err error) {
	server := &access.Context{Tenant: p.r.o.Tenant, Kind: access.Server, Principal: "server"}
	value := escaped(id.Field("value").Str())
	for _, name := range deviceNames {
		v := value
		if system := id.Field("system").Str(); name == "identifier" && system != "" {
			v = escaped(system) + "|" + value
		}
		plan, _, err := p.r.parse(server, "Device", []search.Param{{Name: name, Value: v}}, true)
		if f := issue.As(err); f != nil && f.Issues[0].Rule != "search-building" {
			continue // a server without this parameter
		}
		if err != nil {
			return nil, err
		}
		plan.Count = mostStarts
		page, err := p.r.o.Store.Search(p.ctx, plan)
		if err != nil {
			return nil, err
		}
		for _, hit := range page.Hits {
			refs = append(refs, hit.Type+"/"+hit.ID)
		}
	}
	return refs, nil
}
