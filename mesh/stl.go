package mesh

// STL: 3D Systems, StereoLithography Interface Specification (1988), as
// described at https://www.loc.gov/preservation/digital/formats/fdd/fdd000504.shtml

import (
	"bytes"
	"fmt"
	"io"

	"tenon/fhir/issue"
)

// ReadSTL reads a binary or ASCII STL file. Every defect of the file is an
// *issue.Failure that names what was found, where, and what to do; a failure
// of r itself is returned wrapped.
//
// A file is ASCII when it begins with "solid" (any case, blanks or a UTF-8
// byte order mark before it allowed) and holds no NUL in its first 84 bytes;
// everything else is binary, a header that begins with "solid" included.
func ReadSTL(r io.Reader, lim Limits) (*Mesh, error) {
	lim = lim.withDefaults()
	in := &input{r: r, limit: lim.Bytes, buf: make([]byte, bufferSize)}
	for in.end < binaryHead && in.fill() {
	}
	if err := in.failure(); err != nil {
		return nil, err
	}
	if in.end == 0 {
		return nil, refuse(issue.Structure, "stl-empty",
			"the file is empty; send a binary or ASCII STL file", "文件为空，请提交二进制或文本 STL 文件")
	}
	if looksASCII(in.buf[:min(in.end, binaryHead)]) {
		return readASCII(in, lim)
	}
	return readBinary(in, lim)
}

func looksASCII(head []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n\v\f")
	return len(text) >= 5 && bytes.EqualFold(text[:5], []byte("solid")) && bytes.IndexByte(head, 0) < 0
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// refuse makes a failure with a rule code and both languages.
func refuse(t issue.Type, rule, text, chinese string) *issue.Failure {
	return issue.New(issue.Issue{Type: t, Rule: rule, Text: text, Chinese: chinese})
}

func tooManyTriangles(n int, lim Limits) error {
	return refuse(issue.TooLong, "stl-limit",
		fmt.Sprintf("the file has %d triangles or more, the limit is %d; simplify or split the model", n, lim.Triangles),
		fmt.Sprintf("文件三角面数达到或超过 %d，上限为 %d，请简化或拆分模型", n, lim.Triangles))
}

func notFinite(number, slot int, where string) error {
	part := "normal"
	if slot >= 3 {
		part = fmt.Sprintf("vertex %d", slot/3)
	}
	return refuse(issue.Value, "stl-not-finite",
		fmt.Sprintf("facet %d%s: a coordinate of the %s is not a finite number; export the model again", number, where, part),
		fmt.Sprintf("第 %d 个三角面%s的坐标或法向量不是有限数值，请重新导出模型", number, where))
}
