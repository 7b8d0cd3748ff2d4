//! TensorFlow Lite models: their plans.

use herringbone_compiler::tflite::{Model, ModelView, PlannedModel};
use herringbone_tflite::Graph;

/// The smallest plan of the model in those bytes, as JSON: `{"failed": "…"}` where it has none.
pub fn answer(bytes: &[u8]) -> Vec<u8> {
    let view = plan(bytes).and_then(|view| serde_json::to_vec(&view).map_err(|it| it.to_string()));
    view.unwrap_or_else(|failed| serde_json::json!({ "failed": failed }).to_string().into())
}

fn plan(bytes: &[u8]) -> Result<ModelView, String> {
    let graph = Graph::read(bytes).map_err(|problems| problems.to_string())?;
    let model = Model::of(&graph).map_err(|error| error.to_string())?;
    let planned = PlannedModel::of(&model, |_| {});
    Ok(ModelView::new(
        String::new(),
        &model,
        &planned,
        planned.smallest(),
        None,
    ))
}
