// A page that explains something comes before the entries of the reference that are named so.
var Scorer = {
  score: ([page, , , , score]) => (page.startsWith("reference/") ? score - 10 : score),
  objNameMatch: 40,
  objPartialMatch: 3,
  objPrio: { 0: 0, 1: 0, 2: -5 },
  objPrioDefault: 0,
  title: 20,
  partialTitle: 8,
  term: 5,
  partialTerm: 1,
};
