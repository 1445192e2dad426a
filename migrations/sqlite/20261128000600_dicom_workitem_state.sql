-- A worklist asks for work items in a state from a day on.
CREATE INDEX dicom_workitem_state ON dicom_workitem (tenant, state, scheduled, uid);
