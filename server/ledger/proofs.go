package ledger

import "strconv"

// proofs is the second entry of a dossier's Bundle: a Binary whose content is
// this JSON. It carries what is needed to recompute every leaf and to lead it
// to the checkpoint. Hashes, salts and rows are base64.
type proofs struct {
	Format      string             `json:"format"`
	LogKey      string             `json:"logKey"`
	Authority   string             `json:"signerAuthority"`
	Checkpoint  string             `json:"checkpoint"`
	Consistency []ConsistencyProof `json:"consistency,omitempty"`
	Inventory   string             `json:"inventory"`
	Seal        string             `json:"seal"`
	Versions    []leafProof        `json:"versions"`
	Erased      []leafProof        `json:"erased,omitempty"` // without salts, which are destroyed
	Batches     []batchProof       `json:"batches,omitempty"`
	Blobs       []leafProof        `json:"blobs,omitempty"`
	More        []string           `json:"moreAuthorities,omitempty"`
	Anchors     []anchorProof      `json:"anchors,omitempty"`
}

// anchorProof is an Anchor; that its state is a prefix of the dossier's, one of
// the consistency proofs shows.
type anchorProof struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	At    string `json:"at"`
	Note  string `json:"note"`
	Token []byte `json:"token,omitempty"`
}

// ConsistencyProof shows that the log at Size is a prefix of the log at To.
type ConsistencyProof struct {
	Size int64    `json:"size"`
	To   int64    `json:"to"`
	Path [][]byte `json:"path"`
}

type leafProof struct {
	Ref     string   `json:"ref"`
	Salt    []byte   `json:"salt,omitempty"`
	Index   int64    `json:"index"`
	Path    [][]byte `json:"path"`
	Updated string   `json:"updated,omitempty"` // of a deletion
}

type batchProof struct {
	leafProof
	Rows   int          `json:"rows"`
	Root   []byte       `json:"root"`
	Events []eventProof `json:"events"`
}

type eventProof struct {
	Position int      `json:"position"`
	Salt     []byte   `json:"salt"`
	Row      []byte   `json:"row"`
	Path     [][]byte `json:"path"`
}

const (
	proofsFormat      = "tenon-ledger/1"
	proofsContentType = "application/vnd.tenon.ledger+json"
)

// eventRef is "audit/17#3".
func eventRef(batch string, position int) string { return batch + "#" + strconv.Itoa(position) }

// hash32 takes a hash of the right length only.
func hash32(b []byte) (h [32]byte, ok bool) {
	if len(b) != 32 {
		return h, false
	}
	return [32]byte(b), true
}

func salt16(b []byte) (s [16]byte, ok bool) {
	if len(b) != 16 {
		return s, false
	}
	return [16]byte(b), true
}

func hashes(path [][]byte) ([][32]byte, bool) {
	out := make([][32]byte, len(path))
	for i, p := range path {
		h, ok := hash32(p)
		if !ok {
			return nil, false
		}
		out[i] = h
	}
	return out, true
}
