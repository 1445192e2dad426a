package dimse

import (
	"context"
	"fmt"
	"io"

	"tenon/dicomweb/dicom"
)

// What tests of the wire need.
var (
	ParseCommand  = parseCommand
	AppendCommand = appendCommand
	NextPDV       = func(b []byte) (rest []byte, err error) { _, rest, err = nextPDV(b); return rest, err }
	Storage       = storage
	ValidUID      = validUID
)

// ParseAssociate reads an association and writes it again.
func ParseAssociate(body []byte, answer bool) ([]Context, []byte, error) {
	a, err := parseAssociate(body, answer)
	if err != nil {
		return nil, nil, err
	}
	return a.Contexts, appendAssociate(nil, a), nil
}

// Commit asks for the commitment of instances of a SOP class and returns the
// event type and the report, which is answered.
func (c *Client) Commit(ctx context.Context, class string, instances ...string) (uint16, *dicom.File, error) {
	x, _ := c.Accepted(commitmentPush)
	var items [][]Element
	for _, i := range instances {
		items = append(items, []Element{{Tag: referencedSOP, Value: class}, {Tag: referencedUID, Value: i}})
	}
	data := appendDataSet(nil, []Element{{Tag: transactionUID, Value: "1.2.3.4"}, {Tag: referencedSOPs, Items: items}}, x.Syntaxes[0] == dicom.ImplicitLittleEndian)
	q := &Command{Field: nAction, ID: 1, Class: commitmentPush, Instance: commitmentObject, Kind: 1}
	if err := c.link.write(x.ID, q, data); err != nil {
		return 0, nil, err
	}
	if m, err := c.response(ctx, 1); err != nil || m.Status != 0 {
		return 0, nil, fmt.Errorf("N-ACTION: %v %v", m, err)
	}
	m, err := c.link.message(ctx)
	if err != nil {
		return 0, nil, err
	}
	f, err := readDataSet(m, x.Syntaxes[0])
	if err != nil {
		return 0, nil, err
	}
	return m.Kind, f, m.reply(&Command{Instance: commitmentObject, Kind: m.Kind}, nil)
}

// Store sends one data set.
func (c *Client) Store(ctx context.Context, class, instance string, data io.Reader) (uint16, error) {
	x, _ := c.Accepted(class)
	return c.store(ctx, x, class, instance, data)
}

const CommitmentPush = commitmentPush
