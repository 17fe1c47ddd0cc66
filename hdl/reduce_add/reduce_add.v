// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Element-wise sum of two streams, one beat a clock: the adder of a reduction in the NIC.
 *
 * fp32 and bf16 as IEEE 754 has it: round to nearest even, subnormals in and out, NaN written 7FC0
 * (7FC00000), infinities of opposite sign give NaN, x + -x is +0. int32 wraps. A beat is taken from
 * both streams at once, so that either may be late.
 *
 * Three stages: order and align; add; normalise, round and pack.
 *
 * Left out: sums of more than two streams (chain blocks), a wider accumulator.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module reduce_add #
(
    parameter FORMAT = 0,            // 0 fp32, 1 bf16, 2 int32
    parameter LANES = 2,
    parameter WIDTH = FORMAT == 1 ? 16 : 32
)
(
    input  wire                   clk,
    input  wire                   rst,

    // the two streams
    input  wire [WIDTH*LANES-1:0] s_axis_a_tdata,
    input  wire                   s_axis_a_tvalid,
    output wire                   s_axis_a_tready,
    input  wire                   s_axis_a_tlast,
    input  wire [WIDTH*LANES-1:0] s_axis_b_tdata,
    input  wire                   s_axis_b_tvalid,
    output wire                   s_axis_b_tready,
    input  wire                   s_axis_b_tlast,

    // {the streams disagreed about tlast, sums}; tlast is that of either
    output wire [WIDTH*LANES:0]   m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready,
    output wire                   m_axis_tlast
);

localparam MAN = FORMAT == 1 ? 7 : 23;
localparam SUM = MAN + 5;            // carry, hidden bit, fraction, three bits below

initial begin
    if (FORMAT < 0 || FORMAT > 2 || WIDTH != (FORMAT == 1 ? 16 : 32)) begin
        $error("FORMAT must be 0, 1 or 2, WIDTH its width (instance %m)");
        $finish;
    end
    if (LANES < 1 || LANES > 64) begin
        $error("LANES must be 1 to 64 (instance %m)");
        $finish;
    end
end

wire out_ready;
reg s1_valid_reg = 1'b0, s2_valid_reg = 1'b0, s3_valid_reg = 1'b0;
reg s1_last_reg = 1'b0, s2_last_reg = 1'b0, s3_last_reg = 1'b0;
reg s1_apart_reg = 1'b0, s2_apart_reg = 1'b0, s3_apart_reg = 1'b0;
reg [WIDTH*LANES-1:0] s3_sums_reg = {WIDTH*LANES{1'b0}};
wire [WIDTH*LANES-1:0] sums;

wire step = !s3_valid_reg || out_ready;
wire both = s_axis_a_tvalid && s_axis_b_tvalid;
assign s_axis_a_tready = step && s_axis_b_tvalid;
assign s_axis_b_tready = step && s_axis_a_tvalid;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : element
        wire [WIDTH-1:0] a = s_axis_a_tdata[WIDTH*lane +: WIDTH];
        wire [WIDTH-1:0] b = s_axis_b_tdata[WIDTH*lane +: WIDTH];

        if (FORMAT == 2) begin : whole
            reg [WIDTH-1:0] s1_reg = {WIDTH{1'b0}}, s2_reg = {WIDTH{1'b0}};
            always @(posedge clk) begin
                if (step) begin
                    s1_reg <= a + b;
                    s2_reg <= s1_reg;
                end
            end
            assign sums[WIDTH*lane +: WIDTH] = s2_reg;
        end else begin : floating
            // the one of larger magnitude first
            wire swap = b[WIDTH-2:0] > a[WIDTH-2:0];
            wire [WIDTH-1:0] major = swap ? b : a;
            wire [WIDTH-1:0] minor = swap ? a : b;
            wire [7:0] major_field = major[WIDTH-2 -: 8];
            wire [7:0] minor_field = minor[WIDTH-2 -: 8];
            wire [7:0] major_exponent = major_field == 8'd0 ? 8'd1 : major_field;
            wire [7:0] minor_exponent = minor_field == 8'd0 ? 8'd1 : minor_field;
            wire [7:0] distance = major_exponent - minor_exponent;
            wire [MAN+3:0] minor_wide = {|minor_field, minor[MAN-1:0], 3'd0};
            wire [MAN+3:0] moved = minor_wide >> distance;
            // what fell off, as one bit
            wire [MAN+3:0] lost = minor_wide & ~({MAN+4{1'b1}} << distance);
            wire major_nan = &major_field && |major[MAN-1:0];
            wire [MAN+3:0] aligned = {moved[MAN+3:1], moved[0] || |lost};

            reg s1_sign_reg = 1'b0, s1_subtract_reg = 1'b0, s1_nan_reg = 1'b0;
            reg s1_infinite_reg = 1'b0, s1_zero_sign_reg = 1'b0;
            reg [7:0] s1_exponent_reg = 8'd0;
            reg [MAN+3:0] s1_major_reg = {MAN+4{1'b0}}, s1_minor_reg = {MAN+4{1'b0}};

            reg s2_sign_reg = 1'b0, s2_nan_reg = 1'b0, s2_infinite_reg = 1'b0;
            reg s2_zero_sign_reg = 1'b0;
            reg [7:0] s2_exponent_reg = 8'd0;
            reg [SUM-1:0] s2_sum_reg = {SUM{1'b0}};

            always @(posedge clk) begin
                if (step) begin
                    s1_sign_reg <= major[WIDTH-1];
                    s1_subtract_reg <= a[WIDTH-1] ^ b[WIDTH-1];
                    s1_zero_sign_reg <= a[WIDTH-1] && b[WIDTH-1];
                    // infinity is the larger one of whatever comes, NaN is larger still
                    s1_nan_reg <= major_nan
                        || (&major_field && &minor_field && (a[WIDTH-1] ^ b[WIDTH-1]));
                    s1_infinite_reg <= &major_field;
                    s1_exponent_reg <= major_exponent;
                    s1_major_reg <= {|major_field, major[MAN-1:0], 3'd0};
                    s1_minor_reg <= aligned;

                    s2_sign_reg <= s1_sign_reg;
                    s2_zero_sign_reg <= s1_zero_sign_reg;
                    s2_nan_reg <= s1_nan_reg;
                    s2_infinite_reg <= s1_infinite_reg;
                    s2_exponent_reg <= s1_exponent_reg;
                    s2_sum_reg <= s1_subtract_reg ? {1'b0, s1_major_reg} - {1'b0, s1_minor_reg}
                        : {1'b0, s1_major_reg} + {1'b0, s1_minor_reg};
                end
            end

            // shift the leading one to the hidden bit, but no further than the exponent allows
            integer i;
            reg [7:0] shift;
            reg [SUM-1:0] normal;
            reg [8:0] exponent;
            always @* begin
                shift = 8'd0;
                for (i = 0; i < SUM - 1; i = i + 1) begin
                    if (s2_sum_reg[i]) shift = SUM - 2 - i;
                end
                if (shift >= s2_exponent_reg) shift = s2_exponent_reg - 8'd1;
                if (s2_sum_reg[SUM-1]) begin
                    normal = {1'b0, s2_sum_reg[SUM-1:2], s2_sum_reg[1] || s2_sum_reg[0]};
                    exponent = {1'b0, s2_exponent_reg} + 9'd1;
                end else begin
                    normal = s2_sum_reg << shift;
                    exponent = normal[SUM-2] ? {1'b0, s2_exponent_reg} - {1'b0, shift} : 9'd0;
                end
            end
            wire up = normal[2] && (normal[3] || normal[1] || normal[0]);
            wire [WIDTH-2:0] rounded = {exponent[7:0], normal[SUM-3:3]} + {{WIDTH-2{1'b0}}, up};
            wire zero = s2_sum_reg == {SUM{1'b0}};
            wire [WIDTH-1:0] infinity = {s2_sign_reg, 8'hff, {MAN{1'b0}}};
            assign sums[WIDTH*lane +: WIDTH] =
                s2_nan_reg ? {1'b0, 8'hff, 1'b1, {MAN-1{1'b0}}}
                : s2_infinite_reg || exponent >= 9'd255 ? infinity
                : zero ? {s2_zero_sign_reg, {WIDTH-1{1'b0}}} : {s2_sign_reg, rounded};
        end
    end
endgenerate

always @(posedge clk) begin
    if (step) begin
        s1_valid_reg <= both;
        s1_last_reg <= s_axis_a_tlast || s_axis_b_tlast;
        s1_apart_reg <= s_axis_a_tlast ^ s_axis_b_tlast;
        s2_valid_reg <= s1_valid_reg;
        s2_last_reg <= s1_last_reg;
        s2_apart_reg <= s1_apart_reg;
        s3_valid_reg <= s2_valid_reg;
        s3_last_reg <= s2_last_reg;
        s3_apart_reg <= s2_apart_reg;
        s3_sums_reg <= sums;
    end

    if (rst) begin
        s1_valid_reg <= 1'b0;
        s2_valid_reg <= 1'b0;
        s3_valid_reg <= 1'b0;
    end
end

axis_skid #
(
    .DATA_WIDTH(WIDTH*LANES + 1)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({s3_apart_reg, s3_sums_reg}),
    .s_axis_tvalid(s3_valid_reg),
    .s_axis_tready(out_ready),
    .s_axis_tlast(s3_last_reg),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
