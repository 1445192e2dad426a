package record

// CareCodes are the search parameters of the dates of care, by type.
var CareCodes = careCodes
