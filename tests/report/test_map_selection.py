"""What is selected on the map: the page's script under Node, with bokeh's part played here."""

import base64

import numpy as np

from tests.report.test_report_unknown_words import needs_node, run_script

# Bokeh knows words by their places among those that it was given, and with Shift adds to these.
PLAYED = """
const handlers = {}, models = new Map();
const range = () => ({ setv(set) { Object.assign(this, set); }, change: { connect() {} } });
const plane = { x_range: range(), y_range: range(), on_event(name, f) { handlers[name] = f; } };
models.set("plane", plane);
const model = (name) => {
  const made = () => ({ glyph: {}, data_source: { selected: { indices: [] } } });
  if (!models.has(name)) models.set(name, made());
  return models.get(name);
};
const element = {
  getBoundingClientRect: () => ({ width: 100, height: 100 }), addEventListener() {},
};
Object.assign(globalThis, {
  colour: () => "#000000", paintAxes() {}, namesOf: () => ({}),
  ResizeObserver: class { observe() {} },
});
const lists = [], chosen = [];
const select = (ids) => { lists.push(ids); map.select(ids); };
const map = new WordMap(
  { get_model_by_name: model }, element, given, (id) => chosen.push(id), select,
);
const { selected } = model("points").data_source;
function hit(type, places, adds = false) {
  selected.indices = [...new Set([...(adds ? selected.indices : []), ...places])];
  handlers.selectiongeometry({ geometry: { type }, final: true });
}
"""


def lists_after(steps):
    """Return what is listed after each selection on a map of eight words."""
    places = np.random.default_rng(1).normal(size=(8, 2)).astype("<f4")
    encoded = base64.b64encode(places.tobytes()).decode()
    given = {"words": [f"w{k}" for k in range(8)], "places": encoded, "clusters": None}
    code = f"{PLAYED}{steps}; clearTimeout(map.naming); answer = [lists, chosen]"
    return run_script(code, given, more=["map.js"])


@needs_node
def test_words_are_added_among_those_that_the_filter_leaves():
    steps = 'hit("poly", [0, 3]); map.filter(2, 8); hit("poly", [5], true)'
    assert lists_after(steps)[0] == [[0, 3], [3, 7]]
    steps = 'map.filter(2, 8); hit("poly", [1]); map.filter(0, 8); hit("poly", [0], true)'
    assert lists_after(steps)[0] == [[3], [0, 3]]


@needs_node
def test_words_are_added_to_a_list_that_the_legend_made():
    steps = 'hit("poly", [0, 1]); map.select([4, 5]); hit("poly", [7], true)'
    assert lists_after(steps)[0][-1] == [4, 5, 7]


@needs_node
def test_a_point_that_is_pressed_is_chosen_and_not_selected():
    steps = 'hit("poly", [0, 1]); hit("point", [6]); hit("poly", [7], true)'
    assert lists_after(steps) == [[[0, 1], [0, 1, 7]], [6]]
    steps = 'hit("poly", [0, 1]); hit("point", []); hit("poly", [7], true)'
    assert lists_after(steps) == [[[0, 1], [0, 1, 7]], []]
