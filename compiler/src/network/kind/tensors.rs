//! The tensors of kinds whose parameters are more than those of weighted sums.

/// What a tensor is to its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorRole {
    /// The first factor of what a recurrent cell multiplies its input by.
    InputFirstWeight,
    /// What a recurrent cell multiplies its input by.
    InputWeight,
    /// What is added to that.
    InputBias,
    /// The first factor of what a recurrent cell multiplies its state by.
    StateFirstWeight,
    /// What a recurrent cell multiplies its state by.
    StateWeight,
    /// What is added before a recurrent cell's gate.
    GateBias,
    /// What is added before a recurrent cell's update.
    UpdateBias,
    /// How a recurrent cell mixes its update in: zeta and nu.
    Mix,
    /// What each node of a tree scores classes by.
    ScoreWeight,
    /// What each node of a tree weights its scores by.
    GateWeight,
    /// What each inner node of a tree chooses a child by.
    BranchWeight,
    /// Prototypes.
    Prototype,
    /// How much each prototype says for each class.
    LabelWeight,
    /// Bits, each of which has a name.
    Shift(ShiftNames),
}

/// What the bits of a `shift` tensor are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShiftNames {
    /// Of a recurrent cell.
    Cell,
    /// Of a recurrent cell whose matrices have two factors.
    FactoredCell,
    /// Of a tree.
    Tree,
}

impl ShiftNames {
    /// The names, in the order of the tensor.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Cell => &["input", "state", "fraction"],
            Self::FactoredCell => &["first input", "input", "first state", "state", "fraction"],
            Self::Tree => &["gate"],
        }
    }
}

/// The type of a tensor's values in the weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorDtype {
    I8,
    I16,
    I32,
    U8,
}

/// One tensor of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorShape {
    /// What it is.
    pub role: TensorRole,
    /// The type of its values.
    pub dtype: TensorDtype,
    /// Values along each axis.
    pub shape: Vec<u32>,
    /// What the axes are: `[m, d]`.
    pub axes: &'static str,
}

impl TensorRole {
    /// What its name has after the layer's position and the part.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InputFirstWeight => "input.first.weight",
            Self::InputWeight => "input.weight",
            Self::InputBias => "input.bias",
            Self::StateFirstWeight => "state.first.weight",
            Self::StateWeight => "state.weight",
            Self::GateBias => "gate.bias",
            Self::UpdateBias => "update.bias",
            Self::Mix => "mix",
            Self::ScoreWeight => "score.weight",
            Self::GateWeight => "gate.weight",
            Self::BranchWeight => "branch.weight",
            Self::Prototype => "prototype",
            Self::LabelWeight => "label.weight",
            Self::Shift(_) => "shift",
        }
    }

    /// Whether its values are weights of 8 bits or fewer, which multiply what is read.
    pub const fn is_weight(self) -> bool {
        match self {
            Self::InputFirstWeight
            | Self::InputWeight
            | Self::StateFirstWeight
            | Self::StateWeight
            | Self::ScoreWeight
            | Self::GateWeight
            | Self::BranchWeight
            | Self::LabelWeight => true,
            Self::InputBias
            | Self::GateBias
            | Self::UpdateBias
            | Self::Mix
            | Self::Prototype
            | Self::Shift(_) => false,
        }
    }

    /// Whether it is added to a sum.
    pub const fn is_bias(self) -> bool {
        match self {
            Self::InputBias | Self::GateBias | Self::UpdateBias => true,
            Self::InputFirstWeight
            | Self::InputWeight
            | Self::StateFirstWeight
            | Self::StateWeight
            | Self::ScoreWeight
            | Self::GateWeight
            | Self::BranchWeight
            | Self::LabelWeight
            | Self::Mix
            | Self::Prototype
            | Self::Shift(_) => false,
        }
    }
}

impl TensorDtype {
    /// Bytes of a value.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }
}

impl TensorShape {
    pub(super) fn new(
        role: TensorRole,
        dtype: TensorDtype,
        (shape, axes): (Vec<u32>, &'static str),
    ) -> Self {
        Self {
            role,
            dtype,
            shape,
            axes,
        }
    }

    pub(super) fn shift(names: ShiftNames, axes: &'static str) -> Self {
        let shape = vec![names.names().len() as u32];
        Self::new(TensorRole::Shift(names), TensorDtype::U8, (shape, axes))
    }

    /// Values of the tensor.
    pub fn values(&self) -> u64 {
        let lengths = self.shape.iter().map(|&length| u64::from(length));
        lengths.fold(1, u64::saturating_mul)
    }
}
