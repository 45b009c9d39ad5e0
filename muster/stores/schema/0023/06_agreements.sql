-- Which version of the terms and of the privacy policy somebody has accepted, and when. Rows stay: they prove it.

CREATE TABLE agreements (
    person_id uuid        NOT NULL,
    document  text        NOT NULL CHECK (document IN ('terms', 'privacy')),
    version   text        NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, document, version)
);
