package dicomweb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/dimse"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/search"
)

// mostOrders bounds the orders that a worklist shows, the newest first.
const mostOrders = 1000

// Scheduled implements dimse.Worklist: the active imaging orders in reach.
func (x *Direct) Scheduled(ctx context.Context, who *access.Context) ([][]dimse.Element, error) {
	page, _, err := x.door.o.Records.Search(ctx, who, "ServiceRequest", []search.Param{
		{Name: "code", Value: systemDCM + "|"}, {Name: "status", Value: "active"}, {Name: "_sort", Value: "-authored"}, {Name: "_count", Value: strconv.Itoa(mostOrders)}}, true)
	if err != nil {
		return nil, err
	}
	r, err := x.request(ctx, who)
	if err != nil {
		return nil, err
	}
	if err := x.door.audit(r, "c-find", "ServiceRequest", ""); err != nil {
		return nil, err
	}
	var list [][]dimse.Element
	for i := range page.Hits {
		h := &page.Hits[i]
		if h.Included {
			continue
		}
		o, err := x.door.orderOf(ctx, who, h.ID, h.Body)
		if issue.As(err) != nil {
			continue // the patient is out of reach, so the order tells nothing
		}
		if err != nil {
			return nil, fmt.Errorf("dicomweb: worklist: %w", err)
		}
		list = append(list, o.scheduled())
	}
	return list, nil
}

// scheduled is the order as the worklist tells it (PS3.4 table K.6-1). An order that
// names no scanner leaves the station open.
func (o *imagingOrder) scheduled() []dimse.Element {
	name := o.PatientName
	if g := groups(name); g["Ideographic"] != "" {
		name = "=" + name
	}
	day, clock := o.Start[:min(8, len(o.Start))], ""
	if len(o.Start) >= 14 {
		clock = o.Start[8:14]
	}
	step := []dimse.Element{
		{Tag: 0x00080060, Value: o.Modality}, {Tag: 0x00400001, Value: o.Stations}, {Tag: 0x00400010, Value: o.StationName}, {Tag: 0x00400002, Value: day}, {Tag: 0x00400003, Value: clock},
		{Tag: 0x00400007, Value: o.Description}, {Tag: 0x00400009, Value: o.ProcedureID},
	}
	list := []dimse.Element{{Tag: 0x00400100, Items: [][]dimse.Element{step}}}
	for _, e := range []dimse.Element{
		{Tag: dicom.PatientName, Value: name}, {Tag: dicom.PatientID, Value: o.PatientID}, {Tag: 0x00100030, Value: o.BirthDate}, {Tag: 0x00100040, Value: o.Sex},
		{Tag: 0x00080050, Value: o.Accession}, {Tag: dicom.StudyInstanceUID, Value: o.StudyUID}, {Tag: 0x00401001, Value: o.ProcedureID},
		{Tag: 0x00321060, Value: o.Description}, {Tag: 0x00401003, Value: strings.Replace(o.Priority, "MEDIUM", "ROUTINE", 1)},
		{Tag: 0x00321032, Value: o.Requester},
	} {
		if e.Value != "" {
			list = append(list, e)
		}
	}
	return list
}
