"""From a run to what is deployed: the artifact, its parity gate, and answers without torch. Loads torch only to export."""
