// Package imaging is the DICOMweb door over HTTP, on the real engines and stores,
// as a client sees it. It judges nothing that runs.
package imaging
