// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Filter and sum of TPC-H's query 6: LANES records a clock.
 *
 * A record passes if first_date <= date < end_date, low <= discount <= high and
 * quantity < quantity_end. The block sums price * discount over the records that pass, and counts
 * them. tlast ends a scan: its result comes out, and the next scan starts from zero with the same
 * limits. An overflow of sum or count is said in the result of its scan.
 *
 * Three stages: compare and multiply, add the lanes, accumulate. Prices are whole cents, discounts
 * whole percents: the sum is in cents times percents.
 *
 * Left out: decimal types, other predicates.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module filter_sum #
(
    parameter LANES = 1,
    parameter SUM_WIDTH = 64,
    parameter ROWS_WIDTH = 32
)
(
    input  wire                   clk,
    input  wire                   rst,

    // {limits?, keep[LANES-1:0], records}; a record: {price[31:0], quantity[7:0], discount[7:0],
    // date[15:0]}. Limits (in lane 0): {8'd0, quantity_end, high, low, end_date, first_date}
    input  wire [65*LANES:0]      s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    input  wire                   s_axis_tlast,

    // {overflow, rows, sum}
    output wire [ROWS_WIDTH+SUM_WIDTH:0] m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready,
    output wire                   m_axis_tlast
);

initial begin
    if (LANES < 1 || LANES > 16) begin
        $error("LANES must be 1 to 16 (instance %m)");
        $finish;
    end
    if (SUM_WIDTH < 41 || ROWS_WIDTH < 4) begin
        $error("SUM_WIDTH must be at least 41, ROWS_WIDTH at least 4 (instance %m)");
        $finish;
    end
end

localparam PRODUCT_WIDTH = 40;
localparam LANE_SUM_WIDTH = PRODUCT_WIDTH + 4;

reg [15:0] first_date_reg = 16'd0, end_date_reg = 16'd0;
reg [7:0] low_reg = 8'd0, high_reg = 8'd0, quantity_end_reg = 8'd0;

reg s1_valid_reg = 1'b0, s2_valid_reg = 1'b0;
reg s1_last_reg = 1'b0, s2_last_reg = 1'b0;
reg [PRODUCT_WIDTH*LANES-1:0] s1_products_reg = {PRODUCT_WIDTH*LANES{1'b0}};
reg [LANES-1:0] s1_pass_reg = {LANES{1'b0}};
reg [LANE_SUM_WIDTH-1:0] s2_sum_reg = {LANE_SUM_WIDTH{1'b0}};
reg [4:0] s2_rows_reg = 5'd0;
reg [SUM_WIDTH-1:0] sum_reg = {SUM_WIDTH{1'b0}};
reg [ROWS_WIDTH-1:0] rows_reg = {ROWS_WIDTH{1'b0}};
reg overflow_reg = 1'b0;

wire limits = s_axis_tdata[65*LANES];
wire [PRODUCT_WIDTH*LANES-1:0] products;
wire [LANES-1:0] pass;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : filter
        wire [63:0] record = s_axis_tdata[64*lane +: 64];
        wire [15:0] date = record[15:0];
        wire [7:0] discount = record[23:16];
        wire [7:0] quantity = record[31:24];
        wire [31:0] price = record[63:32];
        assign pass[lane] = s_axis_tdata[64*LANES + lane] && !limits
            && date >= first_date_reg && date < end_date_reg
            && discount >= low_reg && discount <= high_reg && quantity < quantity_end_reg;
        assign products[PRODUCT_WIDTH*lane +: PRODUCT_WIDTH] = {8'd0, price} * {32'd0, discount};
    end
endgenerate

// the lanes that passed, added up
reg [LANE_SUM_WIDTH-1:0] lanes_sum;
reg [4:0] lanes_rows;
integer i;
always @* begin
    lanes_sum = {LANE_SUM_WIDTH{1'b0}};
    lanes_rows = 5'd0;
    for (i = 0; i < LANES; i = i + 1) begin
        if (s1_pass_reg[i]) begin
            lanes_sum = lanes_sum
                + {{LANE_SUM_WIDTH-PRODUCT_WIDTH{1'b0}},
                   s1_products_reg[PRODUCT_WIDTH*i +: PRODUCT_WIDTH]};
            lanes_rows = lanes_rows + 5'd1;
        end
    end
end

localparam WIDE = (SUM_WIDTH > LANE_SUM_WIDTH ? SUM_WIDTH : LANE_SUM_WIDTH) + 1;
localparam TALL = (ROWS_WIDTH > 5 ? ROWS_WIDTH : 5) + 1;
wire [WIDE-1:0] sum = {{WIDE-SUM_WIDTH{1'b0}}, sum_reg} + {{WIDE-LANE_SUM_WIDTH{1'b0}}, s2_sum_reg};
wire [TALL-1:0] rows = {{TALL-ROWS_WIDTH{1'b0}}, rows_reg} + {{TALL-5{1'b0}}, s2_rows_reg};
wire overflow = overflow_reg || |(sum >> SUM_WIDTH) || |(rows >> ROWS_WIDTH);

wire out_ready;
wire step = !(s2_valid_reg && s2_last_reg) || out_ready;
assign s_axis_tready = step;

always @(posedge clk) begin
    if (step) begin
        s1_valid_reg <= s_axis_tvalid && !limits;
        s1_last_reg <= s_axis_tlast;
        s1_products_reg <= products;
        s1_pass_reg <= pass;
        if (s_axis_tvalid && limits) begin
            {quantity_end_reg, high_reg, low_reg, end_date_reg, first_date_reg}
                <= s_axis_tdata[55:0];
        end

        s2_valid_reg <= s1_valid_reg;
        s2_last_reg <= s1_last_reg;
        s2_sum_reg <= lanes_sum;
        s2_rows_reg <= lanes_rows;

        if (s2_valid_reg) begin
            sum_reg <= s2_last_reg ? {SUM_WIDTH{1'b0}} : sum[SUM_WIDTH-1:0];
            rows_reg <= s2_last_reg ? {ROWS_WIDTH{1'b0}} : rows[ROWS_WIDTH-1:0];
            overflow_reg <= overflow && !s2_last_reg;
        end
    end

    if (rst) begin
        s1_valid_reg <= 1'b0;
        s2_valid_reg <= 1'b0;
        sum_reg <= {SUM_WIDTH{1'b0}};
        rows_reg <= {ROWS_WIDTH{1'b0}};
        overflow_reg <= 1'b0;
        {quantity_end_reg, high_reg, low_reg, end_date_reg, first_date_reg} <= 56'd0;
    end
end

axis_skid #
(
    .DATA_WIDTH(ROWS_WIDTH + SUM_WIDTH + 1)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({overflow, rows[ROWS_WIDTH-1:0], sum[SUM_WIDTH-1:0]}),
    .s_axis_tvalid(s2_valid_reg && s2_last_reg),
    .s_axis_tready(out_ready),
    .s_axis_tlast(1'b1),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
